"""The kernel of the walk."""

import numpy as np

from services.testdata.traces.generation.arrays import Codes, Lengths, Words
from services.testdata.traces.generation.chain import MAX_CALLS, Chain
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.generation.philox import Purpose
from services.testdata.traces.generation.philox_kernels import HALF, LOW, draw, philox, pick

WALK = np.uint64(Purpose.WALK)
CHUNK = 256
"""Sessions whose words are drawn together."""


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
    """Walk sessions until the last one or until `codes` may be full; returns the number of sessions and steps.

    The words of the first four steps are drawn for many sessions at once: they are most of all words.
    """
    leave = np.int64(len(heads) - 1)
    low, high, block = np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64), np.zeros(CHUNK, np.uint64)
    words = np.empty((4, CHUNK), np.uint64)
    steps = 0
    for i in range(len(lengths)):
        if len(codes) - steps < MAX_CALLS:
            return i, steps
        at = i % CHUNK
        if at == 0:
            for j in range(CHUNK):
                session = np.uint64(first + i + j)
                low[j], high[j] = session & LOW, session >> HALF
            draw(key0, key1, low, high, block, WALK, words)
        state = leave
        step = 0
        more = words[0, at], words[1, at], words[2, at], words[3, at]
        while step < MAX_CALLS:
            if step % 4 == 0 and step:
                more = philox(key0, key1, low[at], high[at], np.uint64(step // 4), WALK)
            state = np.int64(pick(heads, entries, state, more[step % 4]))
            if state == leave:
                break
            codes[steps + step] = state
            step += 1
        lengths[i] = step
        steps += step
    return len(lengths), steps


def walk(chain: Chain, first: int, sessions: int) -> tuple[Codes, Lengths]:
    """The endpoints of the sessions, concatenated, and the number of calls of each."""
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
