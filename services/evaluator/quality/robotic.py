"""The agent sounds like a machine: it says that it is one, leaves a template unfilled, or is full of stock phrases.

The phrases are in phrases.yaml, `machine` and `stock`. English only.
"""

from services.evaluator.quality.metric import Found, Metric, share_of
from services.evaluator.quality.talk import Talk
from shared.words import counted

_FEWEST, _SHARE = 3, 0.4
"""How many messages with stock phrases, and which share of the agent's, are flagged."""


def measure(talk: Talk) -> Found | None:
    if not talk.said or not talk.english:
        return None
    machine = [one.seq for one in talk.said if "machine" in one.kinds]
    stock = [one.seq for one in talk.said if "stock" in one.kinds]
    if machine:
        text = f"{counted(len(machine), 'message')} of the agent could only be a machine's."
        return Found(max(0.0, 0.5 - share_of(len(machine), len(talk.said))), True, text, machine)
    share = share_of(len(stock), len(talk.said))
    flagged = len(stock) >= _FEWEST and share >= _SHARE
    detail = f"{counted(len(stock), 'message')} of the agent's {len(talk.said)} have stock phrases." if stock else ""
    # One such phrase is normal.
    return Found(1 - share_of(max(0, len(stock) - 1), len(talk.said)), flagged, detail, stock)


METRIC = Metric("robotic-phrasing", 0.2, measure)
