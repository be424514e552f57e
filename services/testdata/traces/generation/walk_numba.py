"""The walk as a kernel."""

import numpy as np

from services.testdata.traces.generation.arrays import Codes, Lengths, Words
from services.testdata.traces.generation.chain import MAX_CALLS, Chain
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.generation.philox import Purpose
from services.testdata.traces.generation.philox_numba import HALF, LOW, philox, pick

WALK = np.uint64(Purpose.WALK)


@kernel
def _walk(
    key0: np.uint64,
    key1: np.uint64,
    heads: Words,
    entries: Words,
    first: int,
    lengths: Lengths,
    codes: Codes,
) -> tuple[int, int]:
    """Walk sessions until all have lengths or the codes may not hold one more; how many sessions and steps it did."""
    leave = np.int64(len(heads) - 1)
    steps = 0
    for i in range(len(lengths)):
        if len(codes) - steps < MAX_CALLS:
            return i, steps
        session = np.uint64(first + i)
        low, high = session & LOW, session >> HALF
        state, length, block = leave, 0, np.uint64(0)
        going = True
        while going:
            words = philox(key0, key1, low, high, block, WALK)
            block += np.uint64(1)
            for j in range(4):
                state = np.int64(pick(heads, entries, state, words[j]))
                if state == leave or length == MAX_CALLS:
                    going = False
                    break
                codes[steps + length] = state
                length += 1
        lengths[i] = length
        steps += length
    return len(lengths), steps


def walk(chain: Chain, first: int, sessions: int) -> tuple[Codes, Lengths]:
    """The endpoints of so many sessions from the first, one after the other, and how many calls each has."""
    lengths = np.empty(sessions, np.int32)
    codes = np.empty(int(sessions * chain.mean_calls * 1.02) + 4 * MAX_CALLS, np.uint16)
    done = steps = 0
    while True:
        did, stepped = _walk(
            np.uint64(chain.key[0]),
            np.uint64(chain.key[1]),
            chain.rows.rows,
            chain.rows.entries,
            first + done,
            lengths[done:],
            codes[steps:],
        )
        done, steps = done + did, steps + stepped
        if done == sessions:
            return codes[:steps], lengths
        codes = np.concatenate([codes, np.empty(len(codes) // 4 + MAX_CALLS, np.uint16)])
