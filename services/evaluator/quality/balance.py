"""One side does all the talking: the agent's share of all words, and how many messages it sends in a row.

The bounds are those between which at least 99 % of the human conversations of abcd, STAR and MultiWOZ lie.
"""

from itertools import groupby

from services.evaluator.quality.metric import Found, Metric, share_of
from services.evaluator.quality.talk import Talk

_FEWEST = 4
"""The fewest messages that are measured."""
_LOW, _HIGH = 0.2, 0.93
_IN_A_ROW = 9


def measure(talk: Talk) -> Found | None:
    own = [one for one in talk.messages if one.own]
    if len(own) < _FEWEST:
        return None
    words = [sum(len(one.words) for one in side) for side in (talk.said, talk.heard)]
    share = share_of(words[0], sum(words))
    longest = max(
        ([one.seq for one in run] for agent, run in groupby(own, key=lambda one: one.agent) if agent),
        key=len,
        default=[],
    )
    outside = max(_LOW - share, share - _HIGH, 0.0)
    if len(longest) > _IN_A_ROW:
        return Found(0.5, True, f"The agent sends {len(longest)} messages in a row.", longest)
    if outside:
        return Found(max(0.0, 1 - 5 * outside), True, f"The agent says {share:.0%} of all words.")
    return Found(1.0)


METRIC = Metric("turn-balance", 0.1, measure)
