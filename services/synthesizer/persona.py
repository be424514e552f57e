"""Personas: the synthetic users."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.events import Json


class ResponseLength(StrEnum):
    """How much a persona says: a few words, a sentence or two, several sentences."""

    SHORT = "SHORT"
    MEDIUM = "MEDIUM"
    LONG = "LONG"


class DecisionSpeed(StrEnum):
    """How fast a persona answers: after an hour or so, after some minutes, within a minute of virtual time."""

    SLOW = "SLOW"
    MEDIUM = "MEDIUM"
    FAST = "FAST"


class ObjectionLikelihood(StrEnum):
    """How often a persona objects."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


@dataclass(frozen=True, slots=True)
class Personality:
    """How a persona talks and decides; `tone` is a word or two."""

    tone: str = ""
    response_length: ResponseLength = ResponseLength.MEDIUM
    decision_speed: DecisionSpeed = DecisionSpeed.MEDIUM
    objection_likelihood: ObjectionLikelihood = ObjectionLikelihood.MEDIUM


@dataclass(frozen=True, slots=True)
class Demographics:
    """Who a persona is, in free words; empty means unsaid."""

    age_range: str = ""
    occupation: str = ""
    location: str = ""
    income: str = ""


@dataclass(frozen=True, slots=True)
class Persona:
    """A synthetic user.

    name: `personas/{persona}`.
    behaviour_traits: what it does, in snake_case, such as `asks_questions_before_buying`.
    goal: what it wants; empty: what the source's customer wanted.
    create_time, update_time: Unix milliseconds; 0 for built-in ones.
    """

    name: str
    display_name: str
    description: str = ""
    personality: Personality = field(default_factory=Personality)
    demographics: Demographics = field(default_factory=Demographics)
    behaviour_traits: tuple[str, ...] = ()
    goal: str = ""
    built_in: bool = False
    create_time: int = 0
    update_time: int = 0


def read_persona(record: Mapping[str, Json]) -> Persona:
    """The persona of a JSON object such as `dataclasses.asdict` makes of one; what it leaves out is as in Persona."""
    personality = record["personality"]
    return Persona(
        **{
            **record,
            "personality": Personality(
                tone=personality["tone"],
                response_length=ResponseLength(personality["response_length"]),
                decision_speed=DecisionSpeed(personality["decision_speed"]),
                objection_likelihood=ObjectionLikelihood(personality["objection_likelihood"]),
            ),
            "demographics": Demographics(**record["demographics"]),
            "behaviour_traits": tuple(record["behaviour_traits"]),
        }
    )
