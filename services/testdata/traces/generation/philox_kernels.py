"""Philox4x32-10 and picks from alias tables, for kernels."""

import numpy as np

from services.testdata.traces.generation import philox as twin
from services.testdata.traces.generation.arrays import Words
from services.testdata.traces.generation.jit import inlined, kernel

M0, M1 = np.uint64(twin.MULTIPLIER_0), np.uint64(twin.MULTIPLIER_1)
W0, W1 = np.uint64(twin.WEYL_0), np.uint64(twin.WEYL_1)
LOW = np.uint64(twin.LOW)
HALF = np.uint64(32)
ZERO, TWENTY, LOW_20 = np.uint64(0), np.uint64(20), np.uint64((1 << 20) - 1)
OUTCOME_SHIFT, OUTCOME = np.uint64(16), np.uint64(0xFFFF)


@inlined
def philox(
    k0: np.uint64, k1: np.uint64, c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """The four 32-bit words of a counter."""
    for _ in range(twin.ROUNDS):
        p0 = M0 * c0
        p1 = M1 * c2
        c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ k0, p1 & LOW, (p0 >> HALF) ^ c3 ^ k1, p0 & LOW
        k0 = (k0 + W0) & LOW
        k1 = (k1 + W1) & LOW
    return c0, c1, c2, c3


@inlined
def pick(heads: Words, entries: Words, row: int | np.int64 | np.uint16, word: np.uint64) -> np.uint64:
    """The outcome that a word picks from a row (see `alias`)."""
    head = heads[row]
    product = word * (head & LOW)
    entry = entries[(head >> HALF) + (product >> HALF)]
    if (product & LOW) < (entry >> HALF):
        entry = entry >> OUTCOME_SHIFT
    outcome: np.uint64 = entry & OUTCOME
    return outcome


@kernel
def draw(
    key0: np.uint64, key1: np.uint64, low: Words, high: Words, step: Words, purpose: np.uint64, words: Words
) -> None:
    """The four words of each counter, as rows of `words`. A loop without lookups is vectorised."""
    word0, word1, word2, word3 = words[0], words[1], words[2], words[3]
    for i in range(len(low)):
        word0[i], word1[i], word2[i], word3[i] = philox(key0, key1, low[i], high[i], step[i], purpose)
