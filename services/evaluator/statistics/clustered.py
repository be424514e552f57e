"""The score interval of a rate in clusters, whose members resemble each other.

Rao, J. N. K. and Scott, A. J. (1992). A simple method for the analysis of clustered binary data. Biometrics 48,
577-585: a sample of n counts as n / d independent ones, where d, the design effect, is the variance of the rate between
clusters over its variance p(1-p)/n without clusters.
"""

from collections.abc import Sequence
from typing import NamedTuple

from services.evaluator.statistics.interval import Interval
from services.evaluator.statistics.wilson import wilson


class Cluster(NamedTuple):
    """Trials that resemble each other, such as the conversations from one source."""

    successes: int
    total: int


def design_effect(clusters: Sequence[Cluster]) -> float:
    """How many times larger the variance of the rate is than that of as many independent trials; at least 1.

    1 too where the clusters cannot tell: there is only one, or all trials have the same result.
    """
    total, count = sum(one.total for one in clusters), len(clusters)
    successes = sum(one.successes for one in clusters)
    if count < 2 or successes in (0, total):
        return 1.0
    rate = successes / total
    residuals = sum((one.successes - rate * one.total) ** 2 for one in clusters)
    variance = count / (count - 1) * residuals / total**2
    return max(variance / (rate * (1 - rate) / total), 1.0)


def effective_total(clusters: Sequence[Cluster]) -> float:
    """How many independent trials these count as: all of them if every cluster has one trial or none."""
    total = sum(one.total for one in clusters)
    return total if all(one.total <= 1 for one in clusters) else total / design_effect(clusters)


def clustered_wilson(clusters: Sequence[Cluster], alpha: float) -> Interval:
    """The Wilson interval of the rate over all clusters, with the sample size divided by the design effect.

    It is never narrower than `wilson` of the same trials, and equal to it if every cluster has one trial or none.
    """
    total = sum(one.total for one in clusters)
    if not total:
        return wilson(0.0, 0, alpha)
    return wilson(sum(one.successes for one in clusters) / total, effective_total(clusters), alpha)
