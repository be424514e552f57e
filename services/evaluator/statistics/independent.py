"""The interval of the difference of two rates of independent samples.

Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of eleven
methods. Statistics in Medicine 17, 873-890, method 10.
"""

from math import hypot

from services.evaluator.statistics.clustered import Cluster
from services.evaluator.statistics.interval import Interval
from services.evaluator.statistics.wilson import wilson


def independent(new: Cluster, old: Cluster, alpha: float) -> Interval:
    """The interval of the difference of the rates, new minus old. It is -1 to 1 if a sample has no trial.

    The Wilson intervals of both rates are joined by their distances to the rates.
    """
    if not new.total or not old.total:
        return Interval(-1.0, 1.0)
    one, other = new.successes / new.total, old.successes / old.total
    one_low, one_high = wilson(one, new.total, alpha)
    other_low, other_high = wilson(other, old.total, alpha)
    difference = one - other
    low, high = hypot(one - one_low, other_high - other), hypot(one_high - one, other - other_low)
    return Interval(max(difference - low, -1.0), min(difference + high, 1.0))
