"""Distributions as tables of 4,096 quantiles: a draw is a lookup, and gives the same value on every machine."""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from services.testdata.traces.generation.arrays import Floats, Whole

SLOTS = 4_096
"""Quantiles in a table; 12 bits choose one."""
LATENCY_SIGMA = 0.5
"""The standard deviation of the logarithm of a latency."""
GRAIN = 1 << 16
"""Quantiles are multiples of 1 / GRAIN, so that rounding differences between machines disappear."""
SLOW = (3.0, 10.0)
"""Bounds of the factor by which a slow call is slower."""


def latency_factors() -> Floats:
    """Factors of the mean latency: log-normal with mean 1."""
    return (_grained(_log_normal(1.0, LATENCY_SIGMA))).astype(np.float32)


def slow_factors() -> Floats:
    """Factors of the latency of a slow call: uniform between the bounds of SLOW."""
    low, high = SLOW
    return _grained(low + (high - low) * (np.arange(SLOTS) + 0.5) / SLOTS).astype(np.float32)


def session_counts(mean: float, std: float) -> Whole:
    """Sessions per user: 1 plus a log-normal number, rounded so that the mean is exact."""
    excess = mean - 1.0
    if excess * SLOTS < 1:
        return np.ones(SLOTS, np.int64)
    sigma = math.sqrt(math.log1p((std / excess) ** 2))
    upto = np.rint(_grained(excess * _log_normal(1.0, sigma)).cumsum())
    counts: Whole = 1 + np.diff(upto, prepend=0.0).astype(np.int64)
    return counts


def _log_normal(mean: float, sigma: float) -> npt.NDArray[np.float64]:
    """The quantiles at the middle of each slot, scaled to the mean because the cut tails lower it."""
    normal = NormalDist()
    quantiles = np.array([math.exp(sigma * normal.inv_cdf((slot + 0.5) / SLOTS)) for slot in range(SLOTS)])
    return quantiles * (mean / (math.fsum(quantiles) / SLOTS))


def _grained(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.rint(values * GRAIN) / GRAIN
