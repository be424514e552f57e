"""Cascades of failures: from which step of a session on, and what they do to a call.

Word 1 of a session says whether it has one, word 2 where it begins. Of a step, word 0 says what happens to it, word 1
how much slower it is, word 2 whether it is retried.
"""

import numpy as np
import numpy.typing as npt

from services.testdata.traces.generation.arrays import Lengths, Whole, Words
from services.testdata.traces.generation.calls import FaultKind

TIMEOUT_MS = 30_000.0
"""How long a call takes that ends with 504."""


def _threshold(share: float) -> int:
    return round(share * 2**32)


SLOW_BELOW, TIMEOUT_BELOW, UNAVAILABLE_BELOW = _threshold(0.60), _threshold(0.80), _threshold(0.95)
"""A word below the first means slow, else below the second a timeout, below the third unavailable, and else nothing."""
RETRY_BELOW = _threshold(0.30)
"""A word below this means that a failing call is retried."""


def cascade_starts(threshold: int, has: Words, where: Words, lengths: Lengths) -> Whole:
    """The step, from 0, at which a session's cascade begins: in the middle half, not the first; its length for none."""
    length = lengths.astype(np.int64)
    least = np.maximum(1, length // 4)
    most = np.maximum(least, 3 * length // 4)
    starts = least + ((where * (most - least + 1).astype(np.uint64)) >> np.uint64(32)).astype(np.int64)
    return np.where((has < np.uint64(threshold)) & (length > 1), starts, length)


def kinds(words: Words) -> npt.NDArray[np.uint8]:
    """What happens to each call of a cascade."""
    bounds = np.array([SLOW_BELOW, TIMEOUT_BELOW, UNAVAILABLE_BELOW], np.uint64)
    kind = np.array([FaultKind.SLOW, FaultKind.TIMEOUT, FaultKind.UNAVAILABLE, FaultKind.NONE], np.uint8)
    return kind[bounds.searchsorted(words, "right")]
