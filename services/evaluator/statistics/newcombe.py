"""The interval of the difference of two rates over pairs.

Newcombe, R. G. (1998). Improved confidence intervals for the difference between binomial proportions based on paired
data. Statistics in Medicine 17, 2635-2650, method 10.
"""

from math import sqrt

from services.evaluator.statistics.interval import Interval
from services.evaluator.statistics.pairs import Pairs
from services.evaluator.statistics.wilson import wilson


def newcombe(pairs: Pairs, alpha: float) -> Interval:
    """The interval of the difference of the rates, new minus old. Without pairs it is -1 to 1.

    The Wilson intervals of both rates are joined by their distances to the rates, and those by the correlation phi.
    """
    if not pairs.total:
        return Interval(-1.0, 1.0)
    new, old = pairs.new_rate, pairs.old_rate
    new_low, new_high = wilson(new, pairs.total, alpha)
    old_low, old_high = wilson(old, pairs.total, alpha)
    phi = _phi(pairs)
    below = _joined(new - new_low, old_high - old, phi)
    above = _joined(new_high - new, old - old_low, phi)
    difference = pairs.difference
    return Interval(max(difference - below, -1.0), min(difference + above, 1.0))


def _joined(one: float, other: float, phi: float) -> float:
    # The sum is a square and is negative only by rounding.
    return sqrt(max(one * one - 2 * phi * one * other + other * other, 0.0))


def _phi(pairs: Pairs) -> float:
    """The correlation of the sides: positive ones are continuity-corrected, and 0 where a side is constant."""
    both, gained, lost, neither = pairs
    margins = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    if not margins:
        return 0.0
    association: float = both * neither - gained * lost
    if association > 0:
        association = max(association - pairs.total / 2, 0.0)
    return association / sqrt(margins)
