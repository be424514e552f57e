"""Alias tables: one 32-bit word picks one of n outcomes, in constant time. Walker 1977, Vose 1991.

A word w picks of a row of n entries: m = w·n; the entry is m >> 32; if m & 0xffffffff is below its threshold, its own
outcome is picked, else its alias. So probabilities are exact to n·2**-32.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.testdata.traces.generation.arrays import Codes, Whole, Words

OUTCOMES = 1 << 16
"""An outcome is a number below this."""


@dataclass(frozen=True, slots=True)
class AliasTable:
    """Rows one after the other.

    rows: for each row, where its entries begin << 32 | how many it has.
    entries: threshold << 32 | outcome << 16 | alias.
    """

    rows: Words
    entries: Words


def alias_table(rows: Sequence[Sequence[tuple[int, float]]]) -> AliasTable:
    """The table of rows of (outcome, weight); each row has a positive weight, and outcomes of none are left out."""
    heads: list[int] = []
    entries: list[int] = []
    for row in rows:
        made = _entries([(outcome, weight) for outcome, weight in row if weight > 0])
        heads.append(len(entries) << 32 | len(made))
        entries += made
    return AliasTable(np.array(heads, np.uint64), np.array(entries, np.uint64))


def pick(table: AliasTable, row: Codes | Whole | int, words: Words) -> Words:
    """The outcome that each word picks of its row. `alias_numba` is the same for kernels."""
    head = table.rows[row]
    product = words * (head & np.uint64(0xFFFFFFFF))
    entry = table.entries[(head >> np.uint64(32)) + (product >> np.uint64(32))]
    own = (product & np.uint64(0xFFFFFFFF)) < (entry >> np.uint64(32))
    outcomes: Words = np.where(own, entry >> np.uint64(16), entry) & np.uint64(0xFFFF)
    return outcomes


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
