"""How many sessions each block of users has, as a kernel."""

import numpy as np

from services.testdata.traces.generation.arrays import Whole
from services.testdata.traces.generation.chain import USER_BLOCK
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.generation.philox import Purpose
from services.testdata.traces.generation.philox_kernels import philox

USER_SESSIONS, ZERO, TWENTY = np.uint64(Purpose.USER_SESSIONS), np.uint64(0), np.uint64(20)


@kernel
def _block_totals(key0: np.uint64, key1: np.uint64, counts: Whole, users: int) -> Whole:
    totals = np.zeros((users + USER_BLOCK - 1) // USER_BLOCK, np.int64)
    for block in range(len(totals)):
        total = 0
        stop = min(users, (block + 1) * USER_BLOCK)
        for user in range(block * USER_BLOCK, stop, 4):
            words = philox(key0, key1, np.uint64(user // 4), ZERO, ZERO, USER_SESSIONS)
            for j in range(min(4, stop - user)):
                total += counts[words[j] >> TWENTY]
        totals[block] = total
    return totals


def block_totals(key: tuple[int, int], counts: Whole, users: int) -> Whole:
    """The number of sessions of each block of users. counts: `quantiles.session_counts`."""
    totals: Whole = _block_totals(np.uint64(key[0]), np.uint64(key[1]), counts, users)
    return totals
