"""The evidence that two sides differ, from the pairs whose results differ. It may be looked at after any pair.

If the sides are equally good, a pair that differs is gained or lost with the probability 1/2. The evidence E is the
likelihood of the results under a mixture of all other probabilities, divided by that under 1/2. E has the mean 1 if the
sides are equal, so that the probability that it ever reaches 1/alpha is at most alpha (Ville, J. (1939). Étude critique
de la notion de collectif). The mixture is the beta distribution with both parameters 1/2 (Krichevsky, R. and Trofimov,
V. (1981). The performance of universal encoding. IEEE Transactions on Information Theory 27, 199-207).
"""

from math import exp, lgamma, log

_A = 0.5
"""Both parameters of the mixture."""


def e_value(gained: int, lost: int) -> float:
    """E = 2^(x+y) B(a+x, a+y) / B(a, a) for x gained and y lost pairs; 1 without any."""
    return exp(min(log_e_value(gained, lost), 700.0))


def log_e_value(gained: int, lost: int) -> float:
    """The natural logarithm of E."""
    return (gained + lost) * log(2) + _log_beta(_A + gained, _A + lost) - _log_beta(_A, _A)


def _log_beta(one: float, other: float) -> float:
    return lgamma(one) + lgamma(other) - lgamma(one + other)
