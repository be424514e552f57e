"""How many conversations tell a difference."""

from math import ceil, sqrt

from services.evaluator.statistics.interval import quantile, two_sided

POWER = 0.8
"""The probability with which a difference that is there is found."""


def pairs_needed(difference: float, discordance: float, alpha: float, power: float = POWER) -> int:
    """How many pairs McNemar's test needs to find a difference of rates.

    Connor, R. J. (1987). Sample size for testing differences in proportions for the paired-sample design. Biometrics
    43, 207-211: (z(1-α/2) √ψ + z(power) √(ψ - δ²))² / δ², where δ is the difference and ψ the discordance.

    difference: of the rates, not 0. discordance: the share of pairs whose sides differ; at least the difference, which
    is taken where less was seen.
    """
    size = abs(difference)
    differing = max(discordance, size)
    reach = two_sided(alpha) * sqrt(differing) + quantile(power) * sqrt(differing - size * size)
    return ceil((reach / size) ** 2)


def trials_needed(rate: float, threshold: float, alpha: float, power: float = POWER) -> int:
    """How many trials the score test needs to tell a rate from a threshold.

    Fleiss, J. L., Levin, B. and Paik, M. C. (2003). Statistical methods for rates and proportions, 3rd edition, 2.5:
    ((z(1-α/2) √(t(1-t)) + z(power) √(p(1-p))) / (p - t))², where p is the rate and t the threshold.

    rate: not the threshold. Both 0 to 1.
    """
    expected = two_sided(alpha) * sqrt(threshold * (1 - threshold))
    found = quantile(power) * sqrt(rate * (1 - rate))
    return max(ceil(((expected + found) / (rate - threshold)) ** 2), 1)
