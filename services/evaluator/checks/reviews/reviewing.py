"""Asks a model what it thinks of a campaign. What cites steps that do not exist is left out, and said so."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from services.evaluator.checks.model import Issue, Severity
from services.evaluator.checks.reviews.model import MODEL_VIEW, Advice, Review
from shared.auth import Caller as Starter
from shared.errors import InvalidArgument, Violation
from shared.llm.base import Caller, ChatModel, ChatRequest, Message, ModelFailed, ModelUnavailable, Output
from shared.llm.briefs import ReviewBrief
from shared.llm.prompts import read_prompt
from shared.llm.providers import Models
from shared.llm.repairs import Repair
from shared.model.campaigns.model import Campaign
from shared.model.campaigns.writing import document
from shared.model.events import Json
from shared.plain import plain

PROMPT = read_prompt(files("services.evaluator.checks.reviews").joinpath("prompt.md"))
SUBJECTS = ("TIMING", "CONTENT", "BRANCHING", "CONVERSION")
_TOKENS = 4_096
_MOST = 5
_LONG = 500
"""The most characters of a sentence."""
_WHOLE = 100_000
"""The most characters of a campaign that a model is asked about."""
_MARKS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""How the characters of marks are written in JSON, so that no text can close the campaign."""


def _form(members: Mapping[str, Json]) -> dict[str, Json]:
    return {"type": "object", "properties": {**members}, "required": [*members], "additionalProperties": False}


_TEXT: Json = {"type": "string"}
_ISSUE = _form({"step": _TEXT, "sentence": _TEXT, "fix": _TEXT})
_ADVICE = _form(
    {
        "subject": {"type": "string", "enum": [*SUBJECTS]},
        "sentence": _TEXT,
        "evidence": _TEXT,
        "steps": {"type": "array", "items": _TEXT},
    }
)
REVIEW = Output(
    "review",
    _form({"issues": {"type": "array", "items": _ISSUE}, "recommendations": {"type": "array", "items": _ADVICE}}),
)
"""The form of an answer."""


class Reviews:
    """Asks models. open_model: opens one by name. seconds: how long one may take, because a caller waits."""

    def __init__(
        self,
        models: Models[ChatModel],
        open_model: Callable[[str], Awaitable[ChatModel]],
        repair: Repair,
        seconds: float = 20.0,
    ) -> None:
        self._models = models
        self._open_model = open_model
        self._repair = repair
        self._seconds = seconds

    async def check(self, model: str) -> None:
        """Raises InvalidArgument for a model that cannot be asked."""
        problem = await self._models.check(model)
        said = str(problem) if problem is not None else "It has no view of campaigns; name a language model."
        if problem is not None or not self._models.calls_out(model):
            raise InvalidArgument(violations=[Violation("model", said)])

    async def of(self, starter: Starter, model: str, campaign: Campaign, facts: Mapping[str, Json]) -> Review:
        """The model's view; if it gives none, a note that says why. facts: what rules and contacts show, as JSON."""
        told = json.dumps({"campaign": document(campaign), **facts}, ensure_ascii=False).translate(_MARKS)
        if len(told) > _WHOLE:
            return Review(notes=(f"The campaign is too large for a model's view: {len(told):,} characters.",))
        request = ChatRequest(
            model=model,
            system=PROMPT.text,
            messages=(Message("user", f"<campaign>\n{told}\n</campaign>"),),
            tools=(),
            seed=0,
            index=0,
            seq=0,
            brief=ReviewBrief(tuple(step.id for step in campaign.steps)),
            caller=Caller(starter.company),
            prompt=PROMPT.digest,
            output=REVIEW,
            max_tokens=_TOKENS,
        )
        try:
            async with asyncio.timeout(self._seconds):
                answer = await (await self._open_model(model)).complete(request)
        except (ModelFailed, ModelUnavailable) as failed:
            return Review(notes=(f"There is no view of the model: {failed}",))
        except TimeoutError:
            return Review(notes=(f"There is no view of the model, which took more than {self._seconds:g} seconds.",))
        try:
            record = json.loads(answer.text)
        except (ValueError, RecursionError):
            record = await self._repair(answer.text)
        if not isinstance(record, dict):
            said = plain(answer.text, 200)
            return Review(notes=(f"There is no view of the model, which answered: {said}",), usage=answer.usage)
        notes: list[str] = []
        steps = {step.id for step in campaign.steps}
        issues = tuple(_issues(_items(record, "issues"), steps, notes))
        advice = tuple(_advice(_items(record, "recommendations"), steps, notes))
        return Review(issues, advice, tuple(notes), answer.usage)


def _items(record: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = record.get(name)
    listed: list[Any] = found if isinstance(found, list) else []
    return [one for one in listed if isinstance(one, dict)][:_MOST]


def _issues(items: Sequence[Mapping[str, Any]], steps: Collection[str], notes: list[str]) -> Iterator[Issue]:
    for one in items:
        step, sentence, fix = (plain(str(one.get(name, "")), _LONG) for name in ("step", "sentence", "fix"))
        if step not in steps:
            notes.append(f"Left out an issue of the model about the step {step!r}, which does not exist.")
        elif sentence:
            yield Issue(Severity.INFO, MODEL_VIEW, step, sentence, fix)


def _advice(items: Sequence[Mapping[str, Any]], steps: Collection[str], notes: list[str]) -> Iterator[Advice]:
    for one in items:
        subject, sentence, evidence = (
            plain(str(one.get(name, "")), _LONG) for name in ("subject", "sentence", "evidence")
        )
        given = one.get("steps")
        cited = tuple(plain(str(step), _LONG) for step in given) if isinstance(given, list) else ()
        unknown = [step for step in cited if step not in steps]
        if unknown or not cited:
            about = f"the step {unknown[0]!r}, which does not exist" if unknown else "no step"
            notes.append(f"Left out a recommendation of the model about {about}.")
        elif sentence and subject in SUBJECTS:
            yield Advice(subject, sentence, evidence, cited)
