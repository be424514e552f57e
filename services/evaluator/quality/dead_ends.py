"""The conversation runs into a dead end.

The user's last words ask something and the agent says nothing more; or the agent's last words refuse and show no way on
(phrases.yaml, `refuses` and `goes_on`); or the agent does not understand again and again (`lost`). English only.
"""

from services.evaluator.quality.metric import Found, Metric
from services.evaluator.quality.talk import Talk
from shared.words import counted

_MOST_LOST = 2


def measure(talk: Talk) -> Found | None:
    if not talk.over or not talk.said or not talk.heard or not talk.english:
        return None
    lost = [one.seq for one in talk.said if "lost" in one.kinds]
    if len(lost) > _MOST_LOST:
        return Found(0.0, True, f"The agent did not understand {counted(len(lost), 'time')}.", lost)
    last = talk.exchanges[-1]
    closed = bool(last.heard) and "closes" in last.heard[-1].kinds
    if not last.said and not closed and last.heard[-1].asks:
        return Found(0.0, True, "The user's last question is left without a reply.", [last.heard[-1].seq])
    said = {kind for one in last.said for kind in one.kinds}
    if "refuses" in said and not closed and said.isdisjoint(("goes_on", "closes")):
        return Found(0.2, True, "The agent's last words refuse and show no way on.", [last.said[-1].seq])
    return Found(1 - 0.2 * len(lost), False, "", lost)


METRIC = Metric("dead-ends", 0.4, measure)
