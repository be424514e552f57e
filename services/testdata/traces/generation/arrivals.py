"""When sessions begin: the weight of each hour, and tables to draw a time by weight."""

from dataclasses import dataclass

import numpy as np

from services.testdata.traces.generation.arrays import Whole
from services.testdata.traces.parameters import Arrival

HOUR = 3_600_000
HOURS_OF_DAY = np.array(
    [12, 8, 6, 5, 5, 7, 12, 22, 38, 52, 60, 64, 66, 64, 62, 62, 64, 68, 74, 80, 78, 64, 42, 24], np.int64
)
"""Relative weights of the hours of a day (UTC): a slow night, a busy day, a peak in the evening."""
DAYS_OF_WEEK = np.array([10, 10, 10, 10, 10, 7, 6], np.int64)
"""Relative weights of the days, from Monday."""
FIRST_MONDAY_HOUR = 4 * 24
"""1970-01-05, in hours of the Unix epoch."""


@dataclass(frozen=True, slots=True)
class ArrivalTable:
    """The time span, cut into buckets of constant weight. A position is a share of the total weight.

    starts: the start of each bucket, Unix milliseconds.
    weights: the weight of one millisecond in each bucket.
    before: the weight of all earlier buckets; the last entry is the total weight.
    guide: entry g is the last bucket that begins at or before position g << shift.
    """

    starts: Whole
    weights: Whole
    before: Whole
    guide: Whole
    shift: int


def arrival_table(start: int, end: int, arrival: Arrival) -> ArrivalTable:
    """The table of the time from `start` to before `end`, Unix milliseconds; `end` is after `start`."""
    if arrival is Arrival.UNIFORM:
        starts, weights = np.array([start], np.int64), np.ones(1, np.int64)
    else:
        hours = np.arange(start // HOUR, -(-end // HOUR), dtype=np.int64)
        starts = np.maximum(hours * HOUR, start)
        weights = HOURS_OF_DAY[hours % 24]
        if arrival is Arrival.WEEKLY:
            weights = weights * DAYS_OF_WEEK[(hours - FIRST_MONDAY_HOUR) // 24 % 7]
    before = np.concatenate([[0], (np.diff(starts, append=end) * weights).cumsum()]).astype(np.int64)
    total = int(before[-1])
    shift = max(0, total.bit_length() - (4 * len(starts)).bit_length())
    positions = np.arange((total >> shift) + 1, dtype=np.int64) << shift
    guide = np.minimum(before.searchsorted(positions, "right") - 1, len(starts) - 1).astype(np.int64)
    return ArrivalTable(starts, weights, before, guide, shift)
