"""Records drawn like sample rows: their distributions, and none of their words."""

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from greenroom.testdata.v1.record_pb2 import EntitySamples
from services.testdata.records.generation.checks import check_cell
from services.testdata.records.generation.generate import Generator
from services.testdata.records.generation.plan import make_plan
from services.testdata.records.model import Quality, RecordSpec, Samples
from services.testdata.records.quality.measuring import measure
from services.testdata.records.tables import Numbers, Table, Texts
from services.testdata.records.values.measured import Distribution
from shared.model.packs.model import Constraint
from shared.model.packs.reading import read_pack

PACK = read_pack(
    b"""
display_name: Club
entities:
  member:
    key: id
    fields:
      id: {type: identifier}
      email: {type: text, format: email}
      memo: {type: text, nullable: true}
      tier: {type: text, values: [bronze, silver, gold]}
      points: {type: number, scale: 2}
      spent: {type: money, currency: EUR, maximum: 5000}
      visits: {type: integer, minimum: 0, maximum: 1000}
      channel: {type: text}
      since: {type: date, nullable: true}
      regular: {type: boolean}
  visit:
    key: id
    fields:
      id: {type: identifier}
      member_id: {type: identifier}
      minutes: {type: integer, minimum: 1}
relationships:
  - {child: visit, child_fields: member_id, parent: member, parent_fields: id}
rules:
  regulars: {entity: member, text: Who is regular came five times., expression: not regular or visits >= 5}
""",
    "club.yaml",
)


def sample_rows(count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Members of which rich ones are gold, have many points and come by the shop; and their visits, none for many."""
    dice = random.Random(1)
    members: list[dict[str, Any]] = []
    visits: list[dict[str, Any]] = []
    for number in range(count):
        rich = dice.gauss(0, 1)
        member = {
            "id": f"zanzibar-{number}",
            "email": f"zanzibar.{number}@example.org",
            "memo": f"Zanzibar called {number} times",
            "tier": "gold" if rich > 1.2 else "silver" if rich > 0 else "bronze",
            "points": round(50 + 8 * rich + 6 * dice.gauss(0, 1), 2),
            "spent": int(1000 * np.exp(rich + 0.3 * dice.gauss(0, 1))),
            "visits": int(abs(dice.gauss(8, 3))),
            "channel": dice.choice(["web"] * 6 + ["app"] * 3 + ["phone"]) if rich < 1 else "shop",
            "regular": dice.random() < 0.2,
        }
        if dice.random() < 0.7:
            member["since"] = f"20{dice.randint(10, 24)}-0{dice.randint(1, 9)}-11"
        members.append(member)
        for _ in range(int(dice.expovariate(0.5))):
            row = {"id": f"{len(visits)}", "member_id": member["id"], "minutes": int(dice.lognormvariate(4, 1)) + 1}
            visits.append(row)
    return members, visits


MEMBERS, VISITS = sample_rows(1500)


def samples(entity: str, rows: list[dict[str, Any]]) -> Samples:
    message = EntitySamples(entity=entity)
    for row in rows:
        message.rows.add().update(row)
    return Samples(entity, message.SerializeToString(), "")


BOTH = samples("member", MEMBERS), samples("visit", VISITS)


def made(counts: dict[str, int], **others: Any) -> tuple[Generator, dict[str, Table], dict[str, Quality]]:
    """Records of the first cell, and their quality."""
    generator = Generator(make_plan(RecordSpec(PACK, counts, 5, **others)))
    cell = generator.cell(0)
    checks = check_cell(generator.plan, cell, [*cell.rows])
    assert not [one for one in checks if one.violated]
    tables = {entity: cell.table(entity, generator.fields(entity)) for entity in counts}
    return generator, tables, {name: measure(generator.plan, cell, table, checks) for name, table in tables.items()}


def test_records_have_the_distributions_of_the_sample_rows_and_none_of_their_words() -> None:
    counts = {"member": len(MEMBERS), "visit": len(VISITS)}
    _, _, usual = made(counts, samples=BOTH)
    _, tables, alike = made(counts, samples=BOTH, production_like=True)

    for name, least in (("member", 0.9), ("visit", 0.95)):
        assert alike[name].column_shapes > least > usual[name].column_shapes + 0.3  # type: ignore[operator]
    assert alike["member"].pair_trends > 0.9 > usual["member"].pair_trends + 0.3  # type: ignore[operator]
    assert alike["visit"].cardinality > 0.95 > usual["visit"].cardinality  # type: ignore[operator]
    members = tables["member"]
    channel, since = members.columns["channel"], members.columns["since"]
    assert isinstance(channel, Texts)
    assert set(np.array(channel.strings.texts)[channel.codes]) == {"web", "app", "phone", "shop"}
    assert since.known is not None
    assert np.mean(since.known) == pytest.approx(0.7, abs=0.05)
    for table in tables.values():
        for column in table.columns.values():
            if isinstance(column, Texts):
                assert b"zanzibar" not in column.strings.blob.tobytes().lower()


def test_bounds_and_rules_hold_where_the_sample_rows_break_them() -> None:
    few = Constraint("member", "tier", values=("bronze",))
    _, tables, _ = made({"member": 1000}, samples=BOTH, production_like=True, constraints=(few,))
    spent, tier, visits, regular = (tables["member"].columns[name] for name in ("spent", "tier", "visits", "regular"))

    assert max(row["spent"] for row in MEMBERS) > 5000
    assert any(row["regular"] and row["visits"] < 5 for row in MEMBERS)
    assert isinstance(spent, Numbers)
    assert isinstance(visits, Numbers)
    assert isinstance(regular, Numbers)
    assert spent.values.max() <= 5000
    assert not (regular.values.astype(bool) & (visits.values < 5)).any()
    assert isinstance(tier, Texts)
    assert {tier.strings.texts[code] for code in tier.codes.tolist()} == {"bronze"}


def test_any_range_of_records_like_sample_rows_has_the_same_values_alone() -> None:
    counts = {"member": 40_000, "visit": 60_000}
    whole, _, _ = made(counts, samples=BOTH, production_like=True)
    alone = Generator(make_plan(RecordSpec(PACK, counts, 5, samples=BOTH, production_like=True)))

    [number] = whole.plan.cells_of("member", 33_000, 33_010)
    whole.cell(number - 1)
    one, other = (generator.cell(number).table("member", generator.fields("member")) for generator in (alone, whole))
    for name, column in one.columns.items():
        again = other.columns[name]
        if isinstance(column, Numbers) and isinstance(again, Numbers):
            assert column.values.tolist() == again.values.tolist()
        if isinstance(column, Texts) and isinstance(again, Texts):
            texts = [[each.strings.texts[code] for code in each.codes.tolist()] for each in (column, again)]
            assert texts[0] == texts[1]


def test_numbers_of_few_rows_are_not_told_and_few_rows_are_no_distribution() -> None:
    assert Distribution.of(np.arange(19.0)) is None
    rare = np.array([*range(1000, 1100), 123_456])
    distribution = Distribution.of(rare.astype(np.float64))
    assert distribution is not None
    drawn = Counter(np.rint(distribution.draw(np.linspace(0, 0.99999, 5000))).tolist())
    assert 123_456 not in drawn
    often = Distribution.of(np.array([99.0] * 50 + [199.0] * 25))
    assert often is not None
    assert Counter(often.draw(np.linspace(0, 0.99, 300)).tolist()).keys() == {99.0, 199.0}
