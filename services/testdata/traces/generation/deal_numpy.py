"""The walk that deals successors from decks, in the interpreter: the twin of `deal_numba`."""

from array import array

import numpy as np

from services.testdata.traces.generation.arrays import Codes, Lengths
from services.testdata.traces.generation.chain import MAX_CALLS, Chain
from services.testdata.traces.generation.decks import Decks, shuffled


def deal(chain: Chain, decks: Decks, shard: int, sessions: int) -> tuple[Codes, Lengths]:
    """The endpoints of the first so many sessions of a shard, one after the other, and how many calls each has."""
    leave = len(chain.endpoints)
    left: list[list[int]] = [[] for _ in range(leave + 1)]
    dealt = [0] * (leave + 1)
    codes, lengths = array("H"), array("i")
    for _ in range(sessions):
        state, length = leave, 0
        while True:
            deck = left[state]
            if not deck:
                cards = decks.cards[decks.starts[state] : decks.starts[state + 1]]
                deck = left[state] = shuffled(chain.key, cards, shard, state, dealt[state])[::-1].tolist()
                dealt[state] += 1
            state = deck.pop()
            if state == leave or length == MAX_CALLS:
                break
            codes.append(state)
            length += 1
        lengths.append(length)
    return np.array(codes, np.uint16), np.array(lengths, np.int32)
