"""How the user takes what the agent said: accepts, or objects, corrects and asks for something else.

Words of acceptance, joy, objection and anger are in phrases.yaml; `no, thanks` and `no, that's all` are no objections.
A user who says nearly the same again objects, too. The weights are judgement, not fitted. Users' replies tell their
satisfaction: Sun et al., Simulating User Satisfaction for the Evaluation of Task-oriented Dialogue Systems, SIGIR 2021.
English only.
"""

from services.evaluator.quality.metric import Found, Metric
from services.evaluator.quality.talk import Message, Talk
from shared.model.repeats import repeats

_BEST, _WORST = 2, -3
_FEWEST = 3
_FLAGGED = -0.75
"""The mean reaction that is flagged, of at least so many messages."""


def measure(talk: Talk) -> Found | None:
    if not talk.heard or not talk.english:
        return None
    reactions, earlier = list[int](), list[frozenset[str]]()
    for one in talk.messages:
        if not one.agent:
            if one.own:
                again = len(one.bag) > 2 and repeats(one.bag, earlier)
                reactions.append(reaction(one) - again)
            earlier.append(one.bag)
    mean = sum(reactions) / len(reactions)
    objecting = [one.seq for one, how in zip(talk.heard, reactions, strict=True) if how < 0]
    value = (max(mean, _WORST) - _WORST) / (_BEST - _WORST)
    detail = f"The user objects in {len(objecting)} of {len(reactions)} messages." if objecting else ""
    return Found(value, len(reactions) >= _FEWEST and mean <= _FLAGGED, detail, objecting)


def reaction(message: Message) -> int:
    """From -3, angry, to 2, delighted."""
    kinds = message.kinds
    rejected = 0 if "declines" in kinds else min(kinds.count("rejects"), 2)
    return ("accepts" in kinds) + ("delighted" in kinds) - rejected - ("angry" in kinds)


METRIC = Metric("user-reactions", 0.6, measure)
