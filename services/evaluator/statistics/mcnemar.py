"""McNemar's test of two sides over pairs, with the mid-p value.

Fagerland, M. W., Lydersen, S. and Laake, P. (2013). The McNemar test for binary matched-pairs data: mid-p and
asymptotic are better than exact conditional. BMC Medical Research Methodology 13:91.
"""

from math import comb


def mid_p(gained: int, lost: int) -> float:
    """The probability, by chance, of a difference like this or a larger one, two-sided.

    It is the exact conditional p-value less the probability of the pairs as seen; where as many were gained as lost,
    1 less half of that. 1 without pairs that differ.
    """
    differing = gained + lost
    if not differing:
        return 1.0
    fewer = min(gained, lost)
    # The division of whole numbers is exact to the last digit of a float, however large they are.
    seen = comb(differing, fewer) / (1 << differing)
    if gained == lost:
        return 1 - seen / 2
    return 2 * _at_most(fewer, differing, seen) - seen


def _at_most(fewer: int, differing: int, seen: float) -> float:
    """The probability of up to `fewer` heads in `differing` tosses. seen: the probability of exactly as many."""
    total = term = seen
    for heads in range(fewer, 0, -1):
        term *= heads / (differing - heads + 1)
        if term <= total * 1e-18:
            break
        total += term
    return total
