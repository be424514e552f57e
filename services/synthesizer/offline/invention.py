"""Invents personas: each is drawn from what was measured in a source."""

import json
from collections.abc import Iterator

from services.synthesizer.offline.wording import wording
from shared.llm.base import ChatRequest
from shared.llm.briefs import GenerationBrief, Measured
from shared.model.draws import shuffled
from shared.model.events import Json


def personas(request: ChatRequest, brief: GenerationBrief) -> str:
    """A persona for each measured customer, as the JSON object that the request asks for."""
    names = _names(request, brief)
    return json.dumps({"personas": [_persona(next(names), one) for one in brief.measured]}, ensure_ascii=False)


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


def _persona(name: str, one: Measured) -> Json:
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
        "goal": "",
    }
