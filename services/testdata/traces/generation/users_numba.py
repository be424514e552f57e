"""How many sessions each block of users has, as a kernel: the twin of `users.block_totals`."""

import numpy as np

from services.testdata.traces.generation.arrays import Whole
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.generation.philox import Purpose
from services.testdata.traces.generation.philox_numba import philox
from services.testdata.traces.generation.users import BLOCK

USER_SESSIONS, ZERO, TWENTY = np.uint64(Purpose.USER_SESSIONS), np.uint64(0), np.uint64(20)


@kernel
def _block_totals(key0: np.uint64, key1: np.uint64, counts: Whole, users: int) -> Whole:
    totals = np.zeros((users + BLOCK - 1) // BLOCK, np.int64)
    for block in range(len(totals)):
        total = 0
        stop = min(users, (block + 1) * BLOCK)
        for user in range(block * BLOCK, stop, 4):
            words = philox(key0, key1, np.uint64(user // 4), ZERO, ZERO, USER_SESSIONS)
            for j in range(min(4, stop - user)):
                total += counts[words[j] >> TWENTY]
        totals[block] = total
    return totals


def block_totals(key: tuple[int, int], counts: Whole, users: int) -> Whole:
    """How many sessions each block of users has."""
    totals: Whole = _block_totals(np.uint64(key[0]), np.uint64(key[1]), counts, users)
    return totals
