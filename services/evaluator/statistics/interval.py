"""Intervals, and the normal quantiles that they are made of."""

from statistics import NormalDist
from typing import NamedTuple

_NORMAL = NormalDist()


class Interval(NamedTuple):
    """An interval, ends included."""

    low: float
    high: float


def quantile(probability: float) -> float:
    """The quantile of the standard normal distribution. probability: above 0 and below 1."""
    return _NORMAL.inv_cdf(probability)


def two_sided(alpha: float) -> float:
    """How many standard errors an interval of the confidence `1 - alpha` reaches to each side: 1.96 for 0.05."""
    return quantile(1 - alpha / 2)
