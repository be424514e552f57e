"""The agreement of any number of raters, some of whose ratings may be missing.

Krippendorff, K. (2004). Content analysis: An introduction to its methodology, 2nd edition, chapter 11,
for nominal data.
"""

from collections import Counter
from collections.abc import Iterable, Sequence


def alpha(units: Iterable[Sequence[str]]) -> float | None:
    """1 - D_o / D_e, the observed over the expected disagreement. units: the ratings that each unit has.

    A unit with fewer than two ratings tells nothing. None if it is not defined: no unit has two ratings, or all ratings
    are equal.
    """
    counted = [Counter(ratings) for ratings in units if len(ratings) > 1]
    totals = sum(counted, Counter[str]())
    count = totals.total()
    expected = count * count - sum(each * each for each in totals.values())
    if not expected:
        return None
    observed = sum(_unlike(ratings) / (ratings.total() - 1) for ratings in counted)
    return 1 - (count - 1) * observed / expected


def _unlike(ratings: Counter[str]) -> int:
    """How many ordered pairs of a unit's ratings differ."""
    return ratings.total() ** 2 - sum(each * each for each in ratings.values())
