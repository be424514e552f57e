"""How many different words a text has, whatever its length."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import comb

WINDOW = 25
"""The words of a window of MATTR."""
SAMPLE = 42
"""The words of a sample of HD-D, as in its definition."""


def mattr(words: Sequence[str], window: int = WINDOW) -> float | None:
    """The moving-average type-token ratio: the mean share of different words in each run of `window` words.

    None of fewer words. Covington, M. A. and McFall, J. D. (2010). Cutting the Gordian knot: the moving-average
    type-token ratio (MATTR). Journal of Quantitative Linguistics 17, 94-100.
    """
    if len(words) < window:
        return None
    counts = dict(Counter(words[:window]))
    total = different = len(counts)
    for out, new in zip(words, words[window:], strict=False):
        if out != new:
            times = counts.get(new, 0)
            counts[new] = times + 1
            different += not times
            counts[out] -= 1
            different -= not counts[out]
        total += different
    return total / (len(words) - window + 1) / window


def hdd(words: Sequence[str], sample: int = SAMPLE) -> float | None:
    """The expected share of different words in a random sample of `sample` words.

    None of fewer words. McCarthy, P. M. and Jarvis, S. (2007). vocd: A theoretical and empirical evaluation. Language
    Testing 24, 459-488: the sum over the different words of the probability that the sample has it, over `sample`.
    """
    if len(words) < sample:
        return None
    often = Counter(Counter(words).values())
    return sum(count * _drawn(len(words), times, sample) for times, count in often.items()) / sample


@lru_cache(maxsize=4096)
def _drawn(total: int, times: int, sample: int) -> float:
    """The probability that a sample without replacement from `total` words has one that stands there `times` times."""
    return 1 - comb(total - times, sample) / comb(total, sample)
