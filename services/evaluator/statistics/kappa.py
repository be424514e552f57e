"""The agreement of two raters beyond chance.

Cohen, J. (1960). A coefficient of agreement for nominal scales. Educational and Psychological Measurement 20, 37-46.
"""

from collections import Counter
from collections.abc import Collection


def kappa(pairs: Collection[tuple[str, str]]) -> float | None:
    """(p_o - p_e) / (1 - p_e) of pairs of ratings, one of each rater, where p_e is the agreement expected by chance.

    None if it is not defined: there are no pairs, or both raters gave the same rating to everything.
    """
    total = len(pairs)
    one, other = (Counter(pair[place] for pair in pairs) for place in (0, 1))
    agreed = sum(left == right for left, right in pairs)
    # Whole numbers, so that agreement by chance is exactly 1 where it is.
    by_chance = sum(count * other[rating] for rating, count in one.items())
    if by_chance == total * total:
        return None
    return (agreed * total - by_chance) / (total * total - by_chance)
