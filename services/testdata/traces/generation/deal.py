"""The kernel of the walk that deals successors from decks."""

import numpy as np

from services.testdata.traces.generation.arrays import Codes, Lengths, Whole, Words
from services.testdata.traces.generation.chain import MAX_CALLS, Chain
from services.testdata.traces.generation.decks import Decks
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.generation.philox import Purpose
from services.testdata.traces.generation.philox_kernels import HALF, LOW, philox

DECK = np.uint64(Purpose.DECK)
SIXTEEN = np.uint64(16)


@kernel
def _shuffle(
    key0: np.uint64,
    key1: np.uint64,
    shard: np.uint64,
    row: np.uint64,
    number: np.uint64,
    cards: Codes,
    order: Words,
    dealt: Codes,
) -> None:
    """Shuffle the cards into `dealt`: sort them by a random word each, stable."""
    for i in range(0, len(cards), 4):
        words = philox(key0, key1, np.uint64(i // 4) << SIXTEEN | row, shard, number, DECK)
        for j in range(min(4, len(cards) - i)):
            order[i + j] = words[j] << HALF | np.uint64(i + j)
    order[: len(cards)].sort()
    for i in range(len(cards)):
        dealt[i] = cards[order[i] & LOW]


@kernel
def _deal(
    key0: np.uint64,
    key1: np.uint64,
    shard: np.uint64,
    starts: Whole,
    cards: Codes,
    lengths: Lengths,
    codes: Codes,
    dealt: Codes,
    order: Words,
    at: Whole,
    times: Whole,
) -> int:
    """Deal sessions from at[leave + 1] to the last, or until `codes` may be full; returns the number of steps."""
    leave = np.int64(len(starts) - 2)
    steps = 0
    i = at[leave + 1]
    while i < len(lengths) and len(codes) - steps >= MAX_CALLS:
        state, length = leave, 0
        while True:
            if at[state] == starts[state + 1]:
                here = slice(starts[state], starts[state + 1])
                _shuffle(key0, key1, shard, np.uint64(state), np.uint64(times[state]), cards[here], order, dealt[here])
                at[state] = starts[state]
                times[state] += 1
            card = at[state]
            at[state] = card + 1
            state = np.int64(dealt[card])
            if state == leave or length == MAX_CALLS:
                break
            codes[steps + length] = state
            length += 1
        lengths[i] = length
        steps += length
        i += 1
    at[leave + 1] = i
    return steps


def deal(chain: Chain, decks: Decks, shard: int, sessions: int) -> tuple[Codes, Lengths]:
    """The endpoints of the first `sessions` sessions of a shard, concatenated, and the number of calls of each."""
    lengths = np.empty(sessions, np.int32)
    codes = np.empty(int(sessions * chain.mean_calls * 1.02) + 4 * MAX_CALLS, np.uint16)
    at = np.append(decks.starts[1:], 0)
    times = np.zeros(len(at), np.int64)
    dealt = np.empty_like(decks.cards)
    order = np.empty(int(np.diff(decks.starts).max()), np.uint64)
    steps = 0
    while True:
        steps += _deal(
            np.uint64(chain.key[0]), np.uint64(chain.key[1]), np.uint64(shard), decks.starts, decks.cards,
            lengths, codes[steps:], dealt, order, at, times,
        )  # fmt: skip
        if at[-1] == sessions:
            return codes[:steps], lengths
        codes = np.concatenate([codes, np.empty(len(codes) // 4 + MAX_CALLS, np.uint16)])
