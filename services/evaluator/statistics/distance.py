"""How far apart two samples are, and which way. Samples are counts by value, in the order of the values."""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
"""How often a sample has each value, from the least value to the greatest."""


def kolmogorov_smirnov(one: Counts, other: Counts) -> float:
    """The greatest difference of the two distribution functions: 0 if they are equal, 1 if no values overlap."""
    return float(np.abs(_cumulated(one) - _cumulated(other)).max())


def cliffs_delta(one: Counts, other: Counts) -> float:
    """How much more often a value of `one` is above a value of `other` than below it: 1 if always, -1 if never.

    Cliff, N. (1993). Dominance statistics: ordinal analyses to answer ordinal questions. Psychological Bulletin 114.
    """
    below = np.cumsum(other) - other
    above = other.sum() - below - other
    return float((one * (below - above)).sum() / (one.sum() * other.sum()))


def _cumulated(counts: Counts) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.cumsum(counts) / counts.sum()
    return shares
