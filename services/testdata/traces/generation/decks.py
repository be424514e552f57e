"""Decks with exact proportions. EXACT_COUNTS deals successors from them instead of drawing independently.

Each shard of sessions has its own decks, one per row of the chain. An empty deck is refilled and shuffled again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace

import numpy as np

from services.testdata.traces.generation.arrays import Codes, Whole

SHARD = 1 << 16
"""Sessions that are dealt from the same decks."""


@dataclass(frozen=True, slots=True, eq=False)
class Decks:
    """The sorted decks, concatenated.

    starts: the offset of each row's first card; the last entry is the end.
    cards: successors.
    """

    starts: Whole
    cards: Codes


def decks(rows: Sequence[Sequence[tuple[int, float]]], size: int) -> Decks:
    """Decks of rows of (successor, weight). A deck has `size` cards, or a multiple if the row has more successors.

    A successor has cards by its share, rounded so that the sum is right, but at least one: without a rare exit a walk
    might never end.
    """
    cards = [np.empty(0, np.uint16)]
    for row in rows:
        likely = [(successor, weight) for successor, weight in row if weight > 0]
        of_row = size * -(-len(likely) // size)
        successors = np.array([successor for successor, _ in likely], np.uint16)
        cards.append(successors.repeat(_apportion([weight for _, weight in likely], of_row)))
    return Decks(np.array([len(deck) for deck in cards], np.int64).cumsum(), np.concatenate(cards))


def _apportion(weights: list[float], seats: int) -> list[int]:
    """At least one seat each, the others by largest remainders."""
    total = math.fsum(weights)
    ideal = [weight * seats / total for weight in weights]
    counts = [max(1, int(share)) for share in ideal]
    too_few = [(count - share, i) for i, (count, share) in enumerate(zip(counts, ideal, strict=True))]
    for _, i in sorted(too_few)[: max(0, seats - sum(counts))]:
        counts[i] += 1
    too_many = [(share - count, i) for i, (count, share) in enumerate(zip(counts, ideal, strict=True)) if count > 1]
    heapify(too_many)
    for _ in range(sum(counts) - seats):
        excess, i = too_many[0]
        counts[i] -= 1
        if counts[i] > 1:
            heapreplace(too_many, (excess + 1, i))
        else:
            heappop(too_many)
    return counts
