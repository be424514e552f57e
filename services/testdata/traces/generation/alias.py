"""Alias tables: one 32-bit word picks one of n outcomes, in constant time. Walker 1977, Vose 1991.

A word w picks from a row of n entries: m = w·n; the entry is m >> 32. If m & 0xffffffff is below the threshold of the
entry, w picks its outcome, otherwise its alias. Probabilities are exact to n·2**-32.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.testdata.traces.generation.arrays import Words

OUTCOMES = 1 << 16
"""Outcomes are smaller than this."""


@dataclass(frozen=True, slots=True)
class AliasTable:
    """Rows of entries, concatenated.

    rows: for each row, offset of its first entry << 32 | number of entries.
    entries: threshold << 32 | outcome << 16 | alias.
    """

    rows: Words
    entries: Words


def alias_table(rows: Sequence[Sequence[tuple[int, float]]]) -> AliasTable:
    """The table of rows of (outcome, weight). Each row needs a positive weight; outcomes with weight 0 are left out."""
    heads: list[int] = []
    entries: list[int] = []
    for row in rows:
        made = _entries([(outcome, weight) for outcome, weight in row if weight > 0])
        heads.append(len(entries) << 32 | len(made))
        entries += made
    return AliasTable(np.array(heads, np.uint64), np.array(entries, np.uint64))


def _entries(row: list[tuple[int, float]]) -> list[int]:
    """Vose's algorithm."""
    total = math.fsum(weight for _, weight in row)
    scaled = [weight * len(row) / total for _, weight in row]
    small = [i for i, share in enumerate(scaled) if share < 1]
    large = [i for i, share in enumerate(scaled) if share >= 1]
    alias = list(range(len(row)))
    while small and large:
        less, more = small.pop(), large[-1]
        alias[less] = more
        scaled[more] -= 1 - scaled[less]
        if scaled[more] < 1:
            small.append(large.pop())
    for i in small + large:
        scaled[i] = 1.0
    return [
        min(round(share * 2**32), 2**32 - 1) << 32 | outcome << 16 | row[other][0]
        for share, (outcome, _), other in zip(scaled, row, alias, strict=True)
    ]
