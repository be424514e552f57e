"""The conversation or its messages are longer or shorter than those of people.

The bounds are those between which at least 99 % of the human conversations of abcd, STAR and MultiWOZ lie.
"""

from services.evaluator.quality.metric import Found, Metric
from services.evaluator.quality.talk import Talk

_FEWEST = 3
"""The fewest messages of a side that are measured."""
_TURNS = (2, 40)
_SAID = (3, 45)
_HEARD = (1.5, 40)


def measure(talk: Talk) -> Found | None:
    sizes = {
        "The agent's messages have {:.1f} words on average": (talk.said, _SAID),
        "The user's messages have {:.1f} words on average": (talk.heard, _HEARD),
    }
    found = {
        text: (sum(len(one.words) for one in side) / len(side), bounds)
        for text, (side, bounds) in sizes.items()
        if len(side) >= _FEWEST
    }
    if talk.messages and all(one.own for one in talk.messages):
        found["The conversation has {:.0f} turns"] = (len(talk.exchanges), _TURNS)
    if not found:
        return None
    wrong = [
        (text.format(size), max(low / max(size, 0.1), size / high))
        for text, (size, (low, high)) in found.items()
        if not low <= size <= high
    ]
    if not wrong:
        return Found(1.0)
    detail = "; ".join(text for text, _ in wrong) + ", which people's hardly ever have."
    return Found(1 / max(factor for _, factor in wrong), True, detail)


METRIC = Metric("length", 0.1, measure)
