"""The personas in a model's answer: their form, and what makes one unusable."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace

from services.synthesizer.personas.generation.model import Rejected
from services.synthesizer.personas.model import (
    DecisionSpeed,
    Demographics,
    ObjectionLikelihood,
    Persona,
    Personality,
    ResponseLength,
)
from shared.llm.base import ChatReply, Output
from shared.llm.briefs import Measured
from shared.llm.repairs import Repair
from shared.model.events import Json
from shared.plain import plain
from shared.words import any_of

_TEXTS: Mapping[str, int] = {
    "display_name": 100,
    "description": 2_000,
    "tone": 64,
    "age_range": 100,
    "occupation": 100,
    "location": 100,
    "income": 100,
    "goal": 1_000,
}
"""The texts of a draft with their most characters."""
_NEEDED = ("display_name", "description")
_WORDS: Mapping[str, Sequence[str]] = {
    "response_length": [*ResponseLength],
    "decision_speed": [*DecisionSpeed],
    "objection_likelihood": [*ObjectionLikelihood],
}
_MOST_TRAITS = 20
_TRAIT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SAME = 0.8
"""Of all the words of two near-duplicates, at least this share is in both."""

PERSONAS = Output(
    "personas",
    {
        "type": "object",
        "properties": {
            "personas": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        **{name: {"type": "string"} for name in _TEXTS},
                        **{name: {"type": "string", "enum": list(words)} for name, words in _WORDS.items()},
                        "behaviour_traits": {"type": "array", "items": {"type": "string"}},
                    },
                    "required": [*_TEXTS, *_WORDS, "behaviour_traits"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["personas"],
        "additionalProperties": False,
    },
)
"""The form of an answer with several drafts."""


async def read_drafts(answer: ChatReply, repair: Repair) -> Sequence[Json] | Rejected:
    """The drafts in an answer, whose JSON is repaired if that is enough; else why there are none."""
    try:
        record = json.loads(answer.text)
    except (ValueError, RecursionError):
        record = await repair(answer.text)
    if isinstance(record, dict) and isinstance(record.get("personas"), list) and record["personas"]:
        return list(record["personas"])
    return Rejected("", "ANSWER_UNUSABLE", f"The model answered without a list of personas: {plain(answer.text, 300)}")


def read_draft(draft: Json, language: str, measured: Measured | None, *, of_domain: bool = False) -> Persona | Rejected:
    """The persona of a draft, or every problem of its fields.

    language: that of the persona. measured: replaces what the model wrote about how the persona talks.
    of_domain: True if its goal comes from a domain; else a measured persona has none, and wants what the source's
    customer wanted.
    """
    if not isinstance(draft, dict):
        return Rejected("", "DRAFT_INVALID", "It is not a JSON object.")
    name = plain(str(draft.get("display_name", "")), 100)
    wrong = [*_wrong_texts(draft), *_wrong_words(draft), *_wrong_traits(draft)]
    wrong += [f"There is no field {plain(str(other), 64)}." for other in draft if other not in _FIELDS]
    if wrong:
        return Rejected(name, "DRAFT_INVALID", " ".join(wrong))
    persona = Persona(
        name="",
        display_name=draft["display_name"].strip(),
        description=draft["description"].strip(),
        personality=Personality(
            draft["tone"],
            ResponseLength(draft["response_length"]),
            DecisionSpeed(draft["decision_speed"]),
            ObjectionLikelihood(draft["objection_likelihood"]),
        ),
        demographics=Demographics(*(draft[field.name] for field in fields(Demographics))),
        behaviour_traits=tuple(draft["behaviour_traits"]),
        goal=draft["goal"].strip(),
        language=language,
    )
    if measured is None:
        return persona
    goal = persona.goal if of_domain else ""
    return replace(persona, personality=_personality(measured), behaviour_traits=measured.traits, goal=goal)


_FIELDS = frozenset((*_TEXTS, *_WORDS, "behaviour_traits"))


def writes_like(persona: Persona, measured: Measured, language: str) -> bool:
    """True if the persona has all that was measured. language: that it should have; "" is the measured one."""
    same = (_personality(measured), measured.traits, language or measured.language)
    return (persona.personality, persona.behaviour_traits, persona.language) == same


def _personality(measured: Measured) -> Personality:
    return Personality(
        measured.tone,
        ResponseLength(measured.response_length),
        DecisionSpeed(measured.decision_speed),
        ObjectionLikelihood(measured.objection_likelihood),
    )


def _wrong_texts(draft: Mapping[str, Json]) -> Iterable[str]:
    for name, most in _TEXTS.items():
        text = draft.get(name)
        if not isinstance(text, str):
            yield f"Its {name} must be a text."
        elif len(text) > most:
            yield f"Its {name} has {len(text):,} characters; {most:,} are allowed."
        elif name in _NEEDED and not text.strip():
            yield f"Its {name} is empty."
        elif "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            yield f"Its {name} has half a character, or the character NUL."


def _wrong_words(draft: Mapping[str, Json]) -> Iterable[str]:
    for name, words in _WORDS.items():
        if draft.get(name) not in words:
            yield f"Its {name} must be one of {any_of(words)}."


def _wrong_traits(draft: Mapping[str, Json]) -> Iterable[str]:
    traits = draft.get("behaviour_traits")
    if not isinstance(traits, list) or not all(isinstance(trait, str) and _TRAIT.fullmatch(trait) for trait in traits):
        yield "Its behaviour_traits must be words in snake_case, such as asks_about_cost."
    elif len(traits) > _MOST_TRAITS or len(set(traits)) < len(traits):
        yield f"Its behaviour_traits must be different, and {_MOST_TRAITS} at most."


def near_duplicate(persona: Persona, others: Iterable[Persona]) -> Persona | None:
    """The first of the others that has the same name, or nearly the same words in all other fields together."""
    words, name = _words(persona), persona.display_name.casefold()
    for other in others:
        theirs = _words(other)
        if other.display_name.casefold() == name or len(words & theirs) >= _SAME * len(words | theirs):
            return other
    return None


def _words(persona: Persona) -> frozenset[str]:
    how, who = persona.personality, persona.demographics
    told = (persona.description, persona.goal, how.tone, who.age_range, who.occupation, who.location, who.income)
    words = {word for text in told for word in re.findall(r"\w+", text.casefold())}
    # The three words of a personality are the same for many; each with its field is one word.
    words |= {f"length {how.response_length}", f"speed {how.decision_speed}", f"objects {how.objection_likelihood}"}
    return frozenset(words | set(persona.behaviour_traits))
