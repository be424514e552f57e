"""Decks of exact proportions: what EXACT_COUNTS deals successors from instead of drawing them.

Each logical shard of sessions has its own decks, one a row of the chain; a deck that is dealt out is shuffled anew.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace

import numpy as np

from services.testdata.traces.generation.arrays import Codes, Whole
from services.testdata.traces.generation.philox import Purpose, philox

SHARD = 1 << 16
"""How many sessions are dealt from the same decks."""


@dataclass(frozen=True, slots=True, eq=False)
class Decks:
    """The decks in order, one after the other.

    starts: for each row, where its cards begin; and last where they end.
    cards: successors.
    """

    starts: Whole
    cards: Codes


def decks(rows: Sequence[Sequence[tuple[int, float]]], size: int) -> Decks:
    """Decks of rows of (successor, weight): of the size, or of a multiple if a row has more successors than that.

    A successor has as many cards as its share, rounded so that the sum is right; but at least one, else a walk might
    never end.
    """
    cards = [np.empty(0, np.uint16)]
    for row in rows:
        likely = [(successor, weight) for successor, weight in row if weight > 0]
        of_row = size * -(-len(likely) // size)
        successors = np.array([successor for successor, _ in likely], np.uint16)
        cards.append(successors.repeat(_apportion([weight for _, weight in likely], of_row)))
    return Decks(np.array([len(deck) for deck in cards], np.int64).cumsum(), np.concatenate(cards))


def shuffled(key: tuple[int, int], cards: Codes, shard: int, row: int, number: int) -> Codes:
    """The deck's cards as they are dealt for the number-th time in a shard: by a random word each."""
    blocks = np.arange(-(-len(cards) // 4), dtype=np.uint64) << np.uint64(16) | np.uint64(row)
    words = np.stack(philox(key, blocks, shard, number, Purpose.DECK), axis=1).ravel()
    return cards[np.argsort(words[: len(cards)], kind="stable")]


def _apportion(weights: list[float], seats: int) -> list[int]:
    """Each at least one seat, the others by largest remainders."""
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
