"""Unique sets of which each field has few values."""

import json
from collections import Counter

import pytest

from services.testdata.records.errors import UniqueSetRepeats
from services.testdata.records.formats import Format
from services.testdata.records.making import make_records, packed, packed_pack
from services.testdata.records.model import RecordSpec
from shared.model.packs.reading import read_pack

_FIELDS = """
display_name: Seats
entities:
  hall:
    key: id
    fields:
      id: {type: identifier, format: uuid}
  guest:
    key: id
    fields:
      id: {type: identifier, format: uuid}
  seat:
    key: id
    uniques: %s
    fields:
      id: {type: identifier, format: uuid}
      hall_id: {type: identifier}
      guest_id: {type: identifier}
      row: {type: text, values: [a, b, c, d, e, f, g, h, i, j]}
      number: {type: text, values: [p, q, r, s, t, u, v, w, x, y, z]}
relationships:
  - {child: seat, child_fields: hall_id, parent: hall, parent_fields: id}
  - {child: seat, child_fields: guest_id, parent: guest, parent_fields: id}
"""


def seats(uniques: str, count: int) -> list[dict[str, str]]:
    """Seats of five halls and of six guests."""
    pack = read_pack((_FIELDS % uniques).encode(), "seats.yaml")
    spec = RecordSpec(pack, {"hall": 5, "guest": 6, "seat": count}, seed=4)
    made, _, _ = make_records(packed(spec, packed_pack(pack)), Format.JSONL, measured=False)
    return [json.loads(line) for one in made if one.entity == "seat" for line in one.data.splitlines()]


def repeats(some: list[dict[str, str]], *names: str) -> int:
    """How often the most frequent values of some fields occur."""
    return max(Counter(tuple(one[name] for name in names) for one in some).values())


def test_unique_sets_that_share_no_field_are_held_together() -> None:
    made = seats("[[hall_id, row], [guest_id, number]]", 45)

    assert (len(made), repeats(made, "hall_id", "row"), repeats(made, "guest_id", "number")) == (45, 1, 1)


def test_records_that_repeat_a_set_which_shares_a_field_with_another_are_refused_by_name() -> None:
    with pytest.raises(UniqueSetRepeats) as raised:
        seats("[[hall_id, row], [guest_id, row]]", 45)

    assert "Some `seat` have the same `guest_id` and `row`, which no two may" in str(raised.value)
    assert repeats(seats("[[hall_id, row], [guest_id, row]]", 3), "guest_id", "row") == 1
