"""The walk of all sessions step by step: the twin of `walk_numba`."""

import numpy as np

from services.testdata.traces.generation.alias import pick
from services.testdata.traces.generation.arrays import Codes, Lengths, Whole
from services.testdata.traces.generation.chain import MAX_CALLS, Chain
from services.testdata.traces.generation.philox import Purpose, session_words


def walk(chain: Chain, first: int, sessions: int) -> tuple[Codes, Lengths]:
    """The endpoints of so many sessions from the first, one after the other, and how many calls each has."""
    leave = len(chain.endpoints)
    going = np.arange(sessions)
    state = np.full(sessions, leave)
    lengths = np.zeros(sessions, np.int32)
    steps: list[tuple[Whole, Whole]] = []
    for step in range(MAX_CALLS):
        words = session_words(chain.key, first + going, step // 4, Purpose.WALK)[step % 4]
        state = pick(chain.rows, state, words).astype(np.int64)
        stays = state != leave
        going, state = going[stays], state[stays]
        if not len(going):
            break
        lengths[going] += 1
        steps.append((going, state))
    codes = np.empty(lengths.sum(dtype=np.int64), np.uint16)
    begins = lengths.cumsum(dtype=np.int64) - lengths
    for step, (at, code) in enumerate(steps):
        codes[begins[at] + step] = code
    return codes, lengths
