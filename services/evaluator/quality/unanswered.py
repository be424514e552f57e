"""The user asks, and the agent's reply does not answer.

A question is a message with a question mark. It counts as answered if the agent calls a tool, or if its reply shares a
word of content or a number with the question, has a number or a link, asks back, or begins or goes on as answers do
(phrases.yaml, `answers`). English only.
"""

from collections.abc import Sequence

from services.evaluator.quality.metric import Found, Metric, share_of
from services.evaluator.quality.phrases import ENGLISH
from services.evaluator.quality.talk import Exchange, Message, Talk
from shared.words import counted

_STEM = 4
"""Words that begin with equally many letters count as the same."""
_SHARE = 0.34
"""The share of questions without an answer that is flagged."""


def measure(talk: Talk) -> Found | None:
    if not talk.english:
        return None
    asked = [one for one in talk.exchanges if any(heard.own and heard.asks for heard in one.heard)]
    # After the last word of a user who leaves, or in the last turn, nobody can answer.
    asked = [one for one in asked if one.said or one is not talk.exchanges[-1]]
    if not asked:
        return None
    open_ = [one for one in asked if not answered(one)]
    share = share_of(len(open_), len(asked))
    if not open_:
        return Found(1.0)
    detail = f"{counted(len(open_), 'question')} of {len(asked)} had no answer."
    return Found(1 - share, share >= _SHARE, detail, [one.heard[-1].seq for one in open_])


def answered(exchange: Exchange) -> bool:
    """True if the agent's reply answers, or nearly so."""
    if exchange.calls:
        return True
    content = _content(exchange.heard)
    return any(
        said.asks
        or any(word[0].isdigit() for word in said.words)
        or "http" in said.straight
        or "answers" in said.kinds
        or not content.isdisjoint(_content([said]))
        for said in exchange.said
    )


def _content(messages: Sequence[Message]) -> set[str]:
    return {word[:_STEM] for one in messages for word in one.words if word not in ENGLISH}


METRIC = Metric("unanswered-questions", 0.3, measure)
