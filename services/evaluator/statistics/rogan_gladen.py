"""The rate behind the verdicts of a judge that errs, whose errors were measured on a sample.

Rogan, W. J. and Gladen, B. (1978). Estimating prevalence from the results of a screening test. American Journal of
Epidemiology 107, 71-76. The interval: Lang, Z. and Reiczigel, J. (2014). Confidence limits for prevalence of disease
adjusted for estimated sensitivity and specificity. Preventive Veterinary Medicine 113, 13-22.
"""

from math import sqrt
from typing import NamedTuple

from services.evaluator.statistics.interval import Interval, two_sided


class Share(NamedTuple):
    """How many trials of how many succeeded; neither number need be whole."""

    successes: float
    total: float

    @property
    def rate(self) -> float:
        """The share, 0 to 1. total: above 0."""
        return self.successes / self.total

    def plus(self, more: float) -> "Share":
        """With further trials, half of which succeed."""
        return Share(self.successes + more / 2, self.total + more)


class Corrected(NamedTuple):
    """A rate and its interval."""

    rate: float
    interval: Interval


def corrected(passed: Share, sensitivity: Share, specificity: Share, alpha: float) -> Corrected | None:
    """The share that truly passes, with the uncertainty of the judge's errors in its interval.

    passed: the judge's verdicts. sensitivity: its passes among what people pass. specificity: its failures among what
    people fail. All totals above 0. None if the judge is no better than chance, so that its verdicts tell nothing.
    """
    if sensitivity.rate + specificity.rate <= 1:
        return None
    z = two_sided(alpha)
    judged, found, spared = passed.plus(z * z), sensitivity.plus(2), specificity.plus(2)
    middle = _rate(judged, found, spared)
    spread = _variance(judged) + middle**2 * _variance(found) + (1 - middle) ** 2 * _variance(spared)
    reach = z * sqrt(spread) / (found.rate + spared.rate - 1)
    middle += 2 * z * z * (middle * _variance(found) - (1 - middle) * _variance(spared))
    return Corrected(
        _clipped(_rate(passed, sensitivity, specificity)), Interval(_clipped(middle - reach), _clipped(middle + reach))
    )


def _rate(passed: Share, sensitivity: Share, specificity: Share) -> float:
    return (passed.rate + specificity.rate - 1) / (sensitivity.rate + specificity.rate - 1)


def _variance(share: Share) -> float:
    return share.rate * (1 - share.rate) / share.total


def _clipped(rate: float) -> float:
    return min(max(rate, 0.0), 1.0)
