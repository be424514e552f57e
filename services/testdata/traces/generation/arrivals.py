"""When sessions begin: the shape of the hours, and its inverse."""

from dataclasses import dataclass

import numpy as np

from services.testdata.traces.generation.arrays import Whole, Words
from services.testdata.traces.parameters import Arrival

HOUR = 3_600_000
HOURS_OF_DAY = np.array(
    [12, 8, 6, 5, 5, 7, 12, 22, 38, 52, 60, 64, 66, 64, 62, 62, 64, 68, 74, 80, 78, 64, 42, 24], np.int64
)
"""How busy the hours of a day (UTC) are, relative to each other: a slow night, a busy day, a peak in the evening."""
DAYS_OF_WEEK = np.array([10, 10, 10, 10, 10, 7, 6], np.int64)
"""How busy the days are, from Monday."""
FIRST_MONDAY_HOUR = 4 * 24
"""1970-01-05, in hours of the Unix epoch."""


@dataclass(frozen=True, slots=True)
class ArrivalTable:
    """The time cut into buckets of one weight each; a position is a share of the total weight.

    starts: when a bucket begins, Unix milliseconds.
    weights: the weight of a millisecond in it.
    before: the weight of all buckets before it, and last the total.
    guide: the last bucket that begins at or before position g << shift.
    """

    starts: Whole
    weights: Whole
    before: Whole
    guide: Whole
    shift: int


def arrival_table(start: int, end: int, arrival: Arrival) -> ArrivalTable:
    """The table of the time from start to before end, Unix milliseconds; end is after start."""
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


def begin_times(table: ArrivalTable, words: Words, ordinals: Whole, of: Whole) -> Whole:
    """When session k, from 0, of a user's n begins, Unix milliseconds: anywhere in the k-th of n equally busy parts."""
    total = table.before[-1]
    share = (ordinals.astype(np.float64) + words.astype(np.float64) * 2.0**-32) / of.astype(np.float64)
    position = np.minimum((share * np.float64(total)).astype(np.int64), total - 1)
    bucket = table.before.searchsorted(position, "right") - 1
    begin: Whole = table.starts[bucket] + (position - table.before[bucket]) // table.weights[bucket]
    return begin
