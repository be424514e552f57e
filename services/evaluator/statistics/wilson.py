"""The score interval of a rate.

Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the American
Statistical Association 22, 209-212. Without a continuity correction.
"""

from math import sqrt

from services.evaluator.statistics.interval import Interval, two_sided

ANYTHING = Interval(0.0, 1.0)
"""The interval of a rate of which nothing is known."""


def wilson(rate: float, total: float, alpha: float) -> Interval:
    """The interval of a rate that was seen in `total` independent trials.

    rate: 0 to 1. total: 0 or more; it need not be whole, so that a sample may count for less than its size.
    With z for the quantile: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    """
    if not total:
        return ANYTHING
    z = two_sided(alpha)
    share = z * z / total
    middle = rate + share / 2
    reach = z * sqrt(rate * (1 - rate) / total + share / (4 * total))
    low, high = (middle - reach) / (1 + share), (middle + reach) / (1 + share)
    # Rounding may leave an end that is 0 or 1 a hair inside or outside.
    return Interval(0.0 if rate == 0 else max(low, 0.0), 1.0 if rate == 1 else min(high, 1.0))
