"""Columns of any type are read as times and numbers."""

import math
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from services.testdata.traces.learn.values import numbers, times

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MICROSECONDS = round(NOON.timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("value", "expected"),
    {
        "2026-01-05T12:00:00Z": MICROSECONDS,
        "2026-01-05 13:00:00.5+01:00": MICROSECONDS + 500_000,
        "2026-01-05T12:00:00.123456789Z": MICROSECONDS + 123_456,
        "2026-01-05T12:00:00": MICROSECONDS,
        "1767614400000": MICROSECONDS,
        "1767614400000.5": MICROSECONDS + 500,
        "-1000": -1_000_000,
        "0001-01-01T00:00:00Z": -62_135_596_800_000_000,
        "9999-12-31T23:59:59Z": 253_402_300_799_000_000,
        "2026-02-30T00:00:00Z": None,
        "12:00": None,
        "1e300": None,
        "nan": None,
        "inf": None,
        "": None,
        "yesterday": None,
        None: None,
    }.items(),
)
def test_a_time_is_rfc_3339_or_milliseconds(value: str | None, expected: int | None) -> None:
    # Other values in the column make the fast conversions fail.
    for beside in ([], ["2026-01-05T12:00:00Z"], ["17"], ["no time"], [None]):
        found, bad = times(pa.array([value, *beside], pa.string()))
        assert (None if bad[0] else int(found[0])) == expected, beside


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([NOON], pa.timestamp("s", "UTC")), MICROSECONDS),
        (pa.array([NOON.replace(tzinfo=None)], pa.timestamp("ns")), MICROSECONDS),
        (pa.array([date(2026, 1, 5)]), MICROSECONDS - 12 * 3_600_000_000),
        (pa.array([MICROSECONDS // 1000], pa.uint64()), MICROSECONDS),
        (pa.array([1.5], pa.float32()), 1_500),
        (pa.array([2**63 - 1], pa.int64()), None),
        (pa.array([2**64 - 1], pa.uint64()), None),
        (pa.array([math.nan, math.inf]), None),
        (pa.array([None], pa.int32()), None),
        (pa.array([None], pa.timestamp("ms")), None),
    ],
)
def test_a_time_may_be_of_any_type(column: pa.Array, expected: int | None) -> None:
    found, bad = times(column)

    assert (None if bad[0] else int(found[0])) == expected


@pytest.mark.parametrize(
    ("values", "expected", "bad"),
    [
        (["1", "2.5", "", None, "x", "-", "inf"], [1, 2.5, None, None, None, None, None], [4, 5, 6]),
        ([1, None, 2**40], [1, None, 2**40], []),
        ([1.5, math.nan, math.inf, None], [1.5, None, None, None], [1, 2]),
        ([True, False], [1, 0], []),
        ([b"3", b"\xff"], [3, None], [1]),
    ],
)
def test_a_number_may_be_of_any_type_and_nothing_is_no_fault(
    values: list[Any], expected: list[float | None], bad: list[int]
) -> None:
    found, marks = numbers(pa.array(values))

    assert [None if math.isnan(one) else one for one in found] == expected
    assert marks.nonzero()[0].tolist() == bad
