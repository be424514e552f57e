"""What a judge is asked. The transcript is data: escaped, between marks, and apart from the instructions.

An answer counts only if it repeats a control text, which stands in the instructions and nowhere in the transcript.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from liquid import Environment

from services.evaluator.judges.model import Dialogue, JudgementSpec, Turn
from services.evaluator.rubrics.model import Criterion
from shared.llm.base import Caller, ChatRequest, Message, Output
from shared.llm.briefs import JudgeBrief, JudgedCriterion
from shared.llm.prompts import read_prompt

PROMPT = read_prompt(files("services.evaluator.judges").joinpath("prompt.md"))
_TEMPLATE = Environment().from_string(PROMPT.text)
"""Our own template needs no bounds. What users wrote is passed as values and never parsed."""
_TOKENS = 4_096
_MARKS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""How the characters of marks are written in JSON, so that no text can close the transcript."""


def judge_of(spec: JudgementSpec) -> str:
    """A hash that equal judges share: of the rubric's content, the models, the repeats and the prompt."""
    known = [spec.criteria, sorted(spec.models), spec.repeats, PROMPT.digest]
    return sha256(json.dumps(known).encode()).hexdigest()[:16]


def control_of(dialogue: Dialogue, seed: int) -> str:
    """The text that an answer must repeat. Whoever speaks cannot know it, because it depends on all that is said."""
    said = json.dumps([seed, *(one.text for one in dialogue.turns)])
    return sha256(said.encode()).hexdigest()[:12]


def transcript_text(turns: Sequence[Turn]) -> str:
    """The transcript as the judge's model gets it. Every line break and mark in a text is escaped."""
    lines = (json.dumps({"turn": one.seq, "who": one.who, "text": one.text}).translate(_MARKS) for one in turns)
    return "\n".join(("<transcript>", *lines, "</transcript>"))


def request(
    criteria: Sequence[Criterion], dialogue: Dialogue, model: str, repeat: int, seed: int, caller: Caller
) -> ChatRequest:
    """The request about a conversation. caller: the judgement."""
    control = control_of(dialogue, seed)
    return ChatRequest(
        model=model,
        system=_TEMPLATE.render(criteria=[_told(one) for one in criteria], control=control),
        messages=(Message("user", transcript_text(dialogue.turns)),),
        tools=(),
        seed=seed,
        index=dialogue.index,
        seq=0,
        repeat=repeat,
        brief=JudgeBrief(
            tuple(JudgedCriterion(one.id, one.phrases, _otherwise(one)) for one in criteria),
            tuple((one.seq, one.text) for one in dialogue.turns if one.who == "agent"),
            control,
        ),
        caller=caller,
        prompt=PROMPT.digest,
        output=_form(criteria),
        max_tokens=_TOKENS,
    )


def _told(one: Criterion) -> dict[str, object]:
    scale = [{"name": verdict, "means": meaning} for verdict, meaning in one.scale.items()]
    # Liquid takes an empty text as true, but not None.
    return {"id": one.id, "question": one.question, "evidence": one.evidence or None, "scale": scale}


def _otherwise(one: Criterion) -> str:
    """The first verdict without phrases; "" if the criterion has no phrases at all."""
    return next((verdict for verdict in one.scale if verdict not in one.phrases), "") if one.phrases else ""


def _form(criteria: Sequence[Criterion]) -> Output:
    members = {one.id: _object(_members(one)) for one in criteria}
    return Output("verdicts", _object({"control": {"type": "string"}, **members}))


def _members(one: Criterion) -> dict[str, object]:
    return {
        "explanation": {"type": "string"},
        "turns": {"type": "array", "items": {"type": "integer"}},
        "verdict": {"type": "string", "enum": [*one.scale]},
    }


def _object(members: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": members, "required": [*members], "additionalProperties": False}
