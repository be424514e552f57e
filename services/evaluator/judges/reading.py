"""The replies in a model's answer: a verdict comes from the structured answer alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.evaluator.judges.model import Dialogue, Reply
from services.evaluator.rubrics.model import Criterion
from shared.errors import GreenroomError
from shared.llm.base import ChatReply
from shared.llm.repairs import Repair
from shared.plain import plain
from shared.words import any_of

_MOST_TURNS, _MOST = 50, 1_000


async def read_replies(
    answer: ChatReply, criteria: Sequence[Criterion], dialogue: Dialogue, control: str, asked: Reply, repair: Repair
) -> list[Reply]:
    """A reply for each criterion. asked: with the model and the repeat."""
    try:
        record = json.loads(answer.text)
    except (ValueError, RecursionError):
        record = await repair(answer.text)
    if not isinstance(record, dict):
        sentence = f"{asked.model} answered with prose instead of the form: {plain(answer.text, 200)}"
        return unusable(criteria, asked, "PROSE", sentence)
    if record.get("control") != control:
        sentence = f"{asked.model} did not repeat the control text, so its answer may come from the transcript."
        return unusable(criteria, asked, "NO_CONTROL", sentence)
    return [_reply(record.get(one.id), one, dialogue, asked) for one in criteria]


def unusable(criteria: Sequence[Criterion], asked: Reply, reason: str, detail: str) -> list[Reply]:
    """Replies that cannot be used, one for each criterion."""
    return [Reply(asked.model, asked.repeat, reason=reason, detail=detail) for _ in criteria]


def failed(criteria: Sequence[Criterion], asked: Reply, error: GreenroomError) -> list[Reply]:
    """The replies of a model that gave no answer."""
    return unusable(criteria, asked, error.reason, str(error))


def _reply(given: Any, one: Criterion, dialogue: Dialogue, asked: Reply) -> Reply:
    if not isinstance(given, Mapping) or given.get("verdict") not in list(one.scale):
        said = (plain(str(given.get("verdict")), 100) if isinstance(given, Mapping) else "") or "nothing"
        detail = f"{asked.model} said {said} about {one.id}; its verdicts are {any_of(one.scale)}."
        return Reply(asked.model, asked.repeat, reason="NO_VERDICT", detail=detail)
    turns, known = given.get("turns"), {turn.seq for turn in dialogue.turns}
    if not isinstance(turns, list) or not all(type(turn) is int and turn in known for turn in turns):
        cited = plain(", ".join(map(str, turns)), 100) if isinstance(turns, list) else "no list of turns"
        detail = f"{asked.model} cited {cited} about {one.id}; the transcript does not have all of these turns."
        return Reply(asked.model, asked.repeat, reason="UNKNOWN_TURNS", detail=detail)
    explanation = plain(str(given.get("explanation", "")), _MOST)
    cited_turns = tuple(dict.fromkeys(turns))[:_MOST_TURNS]
    return Reply(asked.model, asked.repeat, str(given["verdict"]), cited_turns, explanation)
