"""The agent's words hardly vary: distinct-2, the share of different pairs among its pairs of neighbouring words.

Li et al., A Diversity-Promoting Objective Function for Neural Conversation Models, NAACL 2016. The share falls with the
length of a text, so it is the mean over windows of equally many words.
"""

from itertools import pairwise

from services.evaluator.quality.metric import Found, Metric
from services.evaluator.quality.talk import Talk

WINDOW = 50
"""The words of a window; conversations in which the agent says fewer are not measured."""
_LOW, _NORMAL = 0.55, 0.85
"""The mean of distinct-2 that is flagged, and that from which nothing is wrong."""


def measure(talk: Talk) -> Found | None:
    words = [word for one in talk.said for word in one.words]
    windows = [words[start : start + WINDOW] for start in range(0, len(words) - WINDOW + 1, WINDOW)]
    if not windows:
        return None
    mean = sum(len({*pairwise(one)}) for one in windows) / len(windows) / (WINDOW - 1)
    value = min(1.0, max(0.0, mean / _NORMAL))
    detail = f"Of the agent's pairs of neighbouring words, {mean:.0%} are different." if mean < _NORMAL else ""
    return Found(value, mean < _LOW, detail, [one.seq for one in talk.said] if mean < _LOW else ())


METRIC = Metric("distinct-2", 0.1, measure)
