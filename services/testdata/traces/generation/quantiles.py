"""Distributions as tables of 4,096 quantiles, so that a draw is a look-up, the same everywhere."""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from services.testdata.traces.generation.arrays import Floats, Whole

SLOTS = 4_096
"""How many quantiles a table has; 12 bits draw one."""
LATENCY_SIGMA = 0.5
"""The standard deviation of the logarithm of a latency."""
GRAIN = 1 << 16
"""Quantiles are whole parts of this, so that how a machine rounds an exponential does not matter."""
SLOW = (3.0, 10.0)
"""How many times as long a slow call takes."""


def latency_factors() -> Floats:
    """What an endpoint's mean latency is multiplied by: log-normal with mean 1."""
    return (_grained(_log_normal(1.0, LATENCY_SIGMA))).astype(np.float32)


def slow_factors() -> Floats:
    """What a slow call's latency is multiplied by: evenly between the bounds of SLOW."""
    low, high = SLOW
    return _grained(low + (high - low) * (np.arange(SLOTS) + 0.5) / SLOTS).astype(np.float32)


def session_counts(mean: float, std: float) -> Whole:
    """How many sessions a user has: 1 and a log-normal number, rounded up or down so that the mean is kept."""
    excess = mean - 1.0
    if excess * SLOTS < 1:
        return np.ones(SLOTS, np.int64)
    sigma = math.sqrt(math.log1p((std / excess) ** 2))
    upto = np.rint(_grained(excess * _log_normal(1.0, sigma)).cumsum())
    counts: Whole = 1 + np.diff(upto, prepend=0.0).astype(np.int64)
    return counts


def _log_normal(mean: float, sigma: float) -> npt.NDArray[np.float64]:
    """The quantiles in the middles of the slots, scaled to the mean, which the cut tails would lower."""
    normal = NormalDist()
    quantiles = np.array([math.exp(sigma * normal.inv_cdf((slot + 0.5) / SLOTS)) for slot in range(SLOTS)])
    return quantiles * (mean / (math.fsum(quantiles) / SLOTS))


def _grained(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.rint(values * GRAIN) / GRAIN
