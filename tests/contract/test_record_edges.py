"""Edge cases and scenarios of records: which records have them is told beside the records, in every format."""

import csv
import io
import json
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from typing import Any

import grpc
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from greenroom.testdata.v1 import record_pb2 as pb
from greenroom.testdata.v1.record_pb2_grpc import RecordServiceStub
from greenroom.type.v1.domain_pb2 import EdgeCase
from tests.contract.test_records import SHOP, spec
from tests.suite import testdata_suite as served

NOTES = b"""
display_name: Notes
entities:
  note:
    key: id
    fields:
      id: {type: identifier, format: uuid}
      code: {type: text, unique: true, pattern: "[A-Z]{8}"}
      title: {type: text, min_length: 1, max_length: 40}
      body: {type: text, min_length: 1, nullable: true}
      kind: {type: text, values: [memo, letter]}
      amount: {type: money, currency: EUR, minimum: 1, maximum: 100000}
      rate: {type: number, minimum: 0, maximum: 0.3, scale: 3}
      day: {type: date}
      at: {type: datetime}
      sent_at: {type: datetime, nullable: true}
rules:
  sent-later: {entity: note, text: A note is sent after it was written., expression: sent_at is null or sent_at >= at}
edge_cases:
  guessed: {entity: note, category: security, field: code, value: AAAAAAAA, text: A code that is easy to guess.}
  negative: {entity: note, category: invalid, field: amount, value: -5, text: Less than nothing.}
scenarios:
  happy_path: {text: All is well., weight: 0.5, constraints: [{entity: note, field: kind, values: [memo]}]}
  edge_cases: {text: What is odd., weight: 0.25, edge_cases: [negative]}
  security_testing: {text: Attacks., weight: 0.25, edge_cases: [guessed]}
"""
SHARES = [
    pb.RecordScenario(scenario="happy_path", share=2),
    pb.RecordScenario(scenario="edge_cases", share=1),
    pb.RecordScenario(scenario="security_testing", share=1),
]
COUNT = 401


@pytest.fixture(scope="module")
async def records(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RecordServiceStub]:
    folder = tmp_path_factory.mktemp("edges")
    async with (
        served(f"sqlite:///{folder}/testdata.db", folder) as suite,
        grpc.aio.insecure_channel(suite.address) as channel,
    ):
        yield RecordServiceStub(channel)


async def made(records: RecordServiceStub, asked: pb.RecordSpec, form: str = "ROWS") -> pb.GenerateRecordsResponse:
    request = pb.GenerateRecordsRequest(spec=asked, format=pb.RecordFormat.Value(f"RECORD_FORMAT_{form}"))
    found: pb.GenerateRecordsResponse = await records.GenerateRecords(request)
    return found


def value(one: pb.RecordValue) -> Any:
    kind = one.WhichOneof("value")
    return None if kind is None else getattr(one, kind)


def marks(edges: Iterable[pb.RecordEdge]) -> set[tuple[int, str, str]]:
    """Each record that has an edge case, with the field and the case."""
    return {(record, edge.field, edge.edge_case) for edge in edges for record in edge.records}


async def test_every_edge_case_is_told_beside_the_records_and_stands_in_every_format_as_it_is(
    records: RecordServiceStub,
) -> None:
    asked = spec(NOTES, {"note": COUNT}, seed=5, scenarios=SHARES)
    found = await made(records, asked)
    [notes] = found.entities
    names = [*notes.fields]
    assert names == ["id", "code", "title", "body", "kind", "amount", "rate", "day", "at", "sent_at"]
    rows = [[value(one) for one in row.values] for row in notes.rows]

    # Scenarios are exact to one record, and those without edge cases have none.
    of = {one.scenario: {*one.records} for one in notes.scenarios}
    assert {name: len(numbers) for name, numbers in of.items()} == {
        "happy_path": 201, "edge_cases": 100, "security_testing": 100
    }  # fmt: skip
    assert set.union(*of.values()) == {*range(1, COUNT + 1)}
    assert {rows[number - 1][names.index("kind")] for number in of["happy_path"]} == {"memo"}
    attacks = {edge.edge_case for edge in notes.edges if edge.category == EdgeCase.CATEGORY_SECURITY}
    assert {"sql_injection", "over_long", "homoglyphs", "zero_width", "formula", "guessed"} <= attacks
    for edge in notes.edges:
        assert {*edge.records} <= of[edge.scenario]
        assert edge.text
        values = {rows[number - 1][names.index(edge.field)] for number in edge.records}
        assert len(values) == 1, "one edge case is one value"
    ids = {(edge.field, edge.edge_case) for edge in notes.edges}
    assert {("at", "leap_day_end"), ("at", "clocks_back"), ("day", "leap_day"), ("amount", "maximum")} <= ids
    assert {("body", "null"), ("title", "longest"), ("body", "emoji"), ("rate", "zero")} <= ids
    assert len({row[names.index("code")] for row in rows}) == COUNT, "a unique value stays unique"
    shown = {(edge.scenario, edge.field, edge.edge_case) for edge in notes.edges}
    assert len(shown) / notes.edges_asked > 0.9
    texts = {
        rows[next(iter(edge.records)) - 1][names.index(edge.field)]
        for edge in notes.edges
        if edge.category == EdgeCase.CATEGORY_SECURITY
    }
    happy = {rows[number - 1][place] for number in of["happy_path"] for place in (1, 2, 3)}
    assert not texts & happy

    # What a field does not allow is told as violated, and the rules hold on everything else.
    broken = {one.rule: one for one in found.checks if one.violated}
    assert broken.keys() == {"note.amount", "note.title"}
    negative = next(edge for edge in notes.edges if edge.edge_case == "negative")
    assert broken["note.amount"].violated == len(negative.records)
    assert {*broken["note.amount"].examples} <= {*negative.records}

    for form in ("JSON", "JSONL", "CSV", "SQL", "PARQUET", "ARROW_IPC"):
        [other] = (await made(records, asked, form)).entities
        assert marks(other.edges) == marks(notes.edges), form
        assert [*other.scenarios] == [*notes.scenarios], form
        assert read(form, other.data, names) == [[row[place] for place in range(6)] for row in rows], form


def read(form: str, data: bytes, names: list[str]) -> list[list[Any]]:
    """The first six fields of the records, read by what users read them with."""
    match form:
        case "JSON" | "JSONL":
            rows = json.loads(data) if form == "JSON" else [json.loads(line) for line in data.decode().split("\n")[:-1]]
            assert all([*row] == names for row in rows)
            return [[*row.values()][:6] for row in rows]
        case "CSV":
            header, *lines = csv.reader(io.StringIO(data.decode(), newline=""))
            assert header == names
            for line in lines:
                assert not any(cell.startswith(("=", "@", "\t", "\r")) for cell in line)
                assert not any(cell[:1] in "+-" and not cell[1:].isdecimal() for cell in line if cell)
            cells = [[cell[1:] if cell[:2] in ("'=", "'+", "'-", "'@") else cell for cell in line] for line in lines]
            # Null and the empty text differ only by quotes, and no field here may be empty.
            return [[*line[:3], line[3] or None, line[4], int(line[5])] for line in cells]
        case "SQL":
            with closing(sqlite3.connect(":memory:")) as database:
                database.execute(f"CREATE TABLE note ({', '.join(names)})")
                database.executescript(data.decode())
                return [[*row] for row in database.execute(f"SELECT {', '.join(names[:6])} FROM note")]
        case _:
            table = parquet.read_table(io.BytesIO(data)) if form == "PARQUET" else pa.ipc.open_stream(data).read_all()
            assert table.column_names == names
            return [
                [str(row[0]), *row[1:]] for row in zip(*(table[name].to_pylist() for name in names[:6]), strict=True)
            ]


async def test_any_range_and_any_cursor_have_the_edge_cases_that_all_records_have(records: RecordServiceStub) -> None:
    asked = spec(NOTES, {"note": 40_000}, seed=5, include_edge_cases=True)
    request = pb.StreamRecordsRequest(spec=asked, format=pb.RECORD_FORMAT_CSV)
    whole = [one async for one in records.StreamRecords(request)]
    every = set.union(*(marks(one.edges) for one in whole))
    counts = {"happy_path": 0, "edge_cases": 0, "security_testing": 0}
    for one in whole:
        for each in one.scenarios:
            counts[each.scenario] += len(each.records)
    assert counts == {"happy_path": 20_000, "edge_cases": 10_000, "security_testing": 10_000}

    request.cursor = whole[0].cursor
    rest = [one async for one in records.StreamRecords(request)]
    assert [one.edges for one in rest] == [one.edges for one in whole[1:]]
    request.cursor = ""
    request.range.CopyFrom(pb.RecordRange(first=30_001, count=50))
    part = [one async for one in records.StreamRecords(request)]
    found = set.union(*(marks(one.edges) for one in part))
    assert found == {mark for mark in every if 30_000 < mark[0] <= 30_050}
    assert found


async def test_records_without_scenarios_have_edge_cases_only_if_they_are_asked_for(records: RecordServiceStub) -> None:
    plain = NOTES.partition(b"edge_cases:")[0]
    [without] = (await made(records, spec(plain, {"note": 100}))).entities
    assert (len(without.edges), len(without.scenarios), without.edges_asked) == (0, 0, 0)

    [having] = (await made(records, spec(plain, {"note": 100}, include_edge_cases=True))).entities
    assert 18 <= len({record for record, _, _ in marks(having.edges)}) <= 20
    assert {edge.scenario for edge in having.edges} == {""}
    [every] = (await made(records, spec(plain, {"note": 100}, scenario="security_testing"))).entities
    assert {record for record, _, _ in marks(every.edges)} == {*range(1, 101)}


async def test_the_edge_cases_of_a_shop_break_only_what_they_say(records: RecordServiceStub) -> None:
    counts = {"order": 100, "order_item": 250, "payment": 100, "customer": 50}
    shares = [
        pb.RecordScenario(scenario=name, share=share) for name, share in (("happy_path", 0.8), ("edge_cases", 0.2))
    ]
    found = await made(records, spec(SHOP, counts, seed=3, scenarios=shares))

    of = {one.entity: one for one in found.entities}
    broken = {one.rule for one in found.checks if one.violated}
    assert "order_item.quantity" in broken
    cases = {edge.edge_case for one in of.values() for edge in one.edges}
    assert {"quantity-negative", "birth-date-leap", "name-chinese"} <= cases
    assert {len(one.records) for one in of["order"].scenarios} == {80, 20}

    valid = await made(records, spec(SHOP, {"cart": 100}, scenario="edge_cases"))
    assert not [one.rule for one in valid.checks if one.violated]
    assert {"updated_at", "created_at", "customer_id"} <= {edge.field for edge in valid.entities[0].edges}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (spec(NOTES, {"note": 9}, scenarios=[*SHARES, SHARES[0]]), "scenario `happy_path` is named twice"),
        (spec(NOTES, {"note": 9}, scenarios=[*SHARES, pb.RecordScenario(scenario="edges", share=1)]), "`edge_cases`"),
    ],
)
async def test_scenarios_that_are_unknown_or_named_twice_are_refused(
    records: RecordServiceStub, asked: pb.RecordSpec, sentence: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=sentence) as refused:
        await made(records, asked)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
