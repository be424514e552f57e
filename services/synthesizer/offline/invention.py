"""Invents personas: each is drawn from what was measured in a source, and wants what a domain's situation says."""

import json
from collections.abc import Iterator, Sequence
from typing import TypeVar

from services.synthesizer.offline.wording import wording
from shared.llm.base import ChatRequest
from shared.llm.briefs import GenerationBrief, Measured
from shared.model.draws import pick, shuffled
from shared.model.events import Json

T = TypeVar("T")


def personas(request: ChatRequest, brief: GenerationBrief) -> str:
    """A persona for each measured customer or situation, as the JSON object that the request asks for."""
    names = _names(request, brief)
    measured = brief.measured or [_drawn(request, place) for place in range(len(brief.situations))]
    goals = [one.told for one in brief.situations] or [""] * len(measured)
    made = [_persona(next(names), one, goal) for one, goal in zip(measured, goals, strict=True)]
    return json.dumps({"personas": made}, ensure_ascii=False)


_TRAITS = ((), ("says_please_and_thank_you",), ("asks_many_questions",), ("writes_in_small_letters",))


def _drawn(request: ChatRequest, place: int) -> Measured:
    """How a customer writes in whom nothing was measured."""

    def one(options: Sequence[T], purpose: str) -> T:
        return pick(options, request.seed, place, request.seq, purpose)

    return Measured(
        source="",
        language="",
        tone=one(("neutral", "friendly", "curt", "skeptical", "enthusiastic"), "tone"),
        response_length=one(("SHORT", "MEDIUM", "LONG"), "length"),
        decision_speed=one(("SLOW", "MEDIUM", "FAST"), "speed"),
        objection_likelihood=one(("LOW", "MEDIUM", "HIGH"), "objections"),
        traits=one(_TRAITS, "traits"),
    )


def _names(request: ChatRequest, brief: GenerationBrief) -> Iterator[str]:
    """First names in an order by the seed, those that are taken last; then with a number."""
    names = wording().first_names
    order = [names[place] for place in shuffled(len(names), request.seed, "names")]
    free = [name for name in order if not any(taken.endswith(f" {name}") for taken in brief.taken)]
    yield from free
    number = 2
    while True:
        yield from (f"{name} {number}" for name in order)
        number += 1


_MESSAGES = {"SHORT": "short messages", "MEDIUM": "messages of medium length", "LONG": "long messages"}


def _persona(name: str, one: Measured, goal: str) -> Json:
    habits = ", ".join(trait.replace("_", " ") for trait in one.traits)
    return {
        "display_name": f"{one.tone.capitalize()} {name}",
        "description": f"Sends {_MESSAGES[one.response_length]}, sounds {one.tone}, decides at a "
        f"{one.decision_speed.lower()} pace; {one.objection_likelihood.lower()} likelihood of objections"
        + (f"; {habits}." if habits else "."),
        "tone": one.tone,
        "response_length": one.response_length,
        "decision_speed": one.decision_speed,
        "objection_likelihood": one.objection_likelihood,
        "age_range": "",
        "occupation": "",
        "location": "",
        "income": "",
        "behaviour_traits": list(one.traits),
        "goal": goal,
    }
