"""The offline judge: no language model, but a search for the phrases of the rubric in what the agent said."""

import json

from shared.llm.base import ChatReply, ChatRequest
from shared.llm.briefs import JudgeBrief, JudgedCriterion
from shared.model.events import Json, Usage


def judged(request: ChatRequest) -> ChatReply:
    """The answer to a request of a judge. The same request gets the same answer in every process."""
    brief = request.brief
    assert isinstance(brief, JudgeBrief)
    answer = {"control": brief.control, **{one.id: _verdict(one, brief) for one in brief.criteria}}
    return ChatReply(json.dumps(answer), usage=Usage(model_calls=1), fixed=True)


def _verdict(one: JudgedCriterion, brief: JudgeBrief) -> Json:
    for verdict, phrases in one.phrases.items():
        wanted = [phrase.casefold() for phrase in phrases]
        turns = [seq for seq, text in brief.said if any(phrase in text.casefold() for phrase in wanted)]
        if turns:
            return {"explanation": f"The agent says a phrase of {verdict}.", "turns": turns, "verdict": verdict}
    told = "The agent says none of the phrases." if one.phrases else "The rubric has no phrases for this criterion."
    return {"explanation": told, "turns": [], "verdict": one.otherwise}
