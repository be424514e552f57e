"""Philox4x32-10: random numbers as a pure function of a key and a counter, for arrays of counters.

Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
`philox_kernels` computes the same in kernels.
"""

from enum import IntEnum

import numpy as np

from services.testdata.traces.generation.arrays import Words

MULTIPLIER_0, MULTIPLIER_1 = 0xD2511F53, 0xCD9E8D57
WEYL_0, WEYL_1 = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10
LOW = 0xFFFFFFFF


class Purpose(IntEnum):
    """The purpose of a random number, and the last word of its counter. It keeps the draws independent."""

    WALK = 0
    """Successors; a block serves four steps of a session."""
    CALL = 1
    """Status, latency, think time and parameters of a step."""
    SESSION = 2
    """Start of a session, and its cascade."""
    USER_SESSIONS = 3
    """Number of sessions of users; a block serves four users."""
    USER_TYPE = 4
    """Types of users; a block serves four users."""
    CASCADE = 5
    """Effect of a cascade on a step."""
    SPANS = 6
    """Spans of a step."""
    DECK = 7
    """Order of a deck."""
    PARAMS = 8
    """Order of parameter values in a sample of query strings."""


def key_words(seed: int) -> tuple[int, int]:
    """The key of a seed: its low and high 32 bits. Seeds that are equal modulo 2**64 give the same key."""
    return seed & LOW, (seed >> 32) & LOW


def philox(
    key: tuple[int, int], c0: Words, c1: Words | int, c2: Words | int, c3: int
) -> tuple[Words, Words, Words, Words]:
    """The four 32-bit words of each counter (c0, c1, c2, c3), in 64-bit arrays of the counters' shape."""
    x0, x1, x2, x3 = np.broadcast_arrays(
        *(np.asarray(word, np.uint64) for word in (c0, c1, c2, c3)),
    )
    k0, k1 = key
    for _ in range(ROUNDS):
        p0 = x0 * np.uint64(MULTIPLIER_0)
        p1 = x2 * np.uint64(MULTIPLIER_1)
        x0, x1, x2, x3 = (
            (p1 >> np.uint64(32)) ^ x1 ^ np.uint64(k0),
            p1 & np.uint64(LOW),
            (p0 >> np.uint64(32)) ^ x3 ^ np.uint64(k1),
            p0 & np.uint64(LOW),
        )
        k0, k1 = (k0 + WEYL_0) & LOW, (k1 + WEYL_1) & LOW
    return x0, x1, x2, x3
