"""Personas: the simulated users."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from hashlib import sha256

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
    """Who a persona is, in free text; empty means unknown."""

    age_range: str = ""
    occupation: str = ""
    location: str = ""
    income: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a persona was generated from.

    model, prompt: the full name of the model, and the digest of the prompt file.
    description: as the request had it. source: the name of the source that was measured, "" if none.
    domain, domain_revision: what its goal comes from; "" and 0 if from none.
    """

    model: str
    prompt: str
    description: str = ""
    source: str = ""
    domain: str = ""
    domain_revision: int = 0


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A call that an agent should make."""

    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Persona:
    """A simulated user.

    name: `personas/{persona}`.
    behaviour_traits: what it does, in snake_case, such as `asks_questions_before_buying`.
    goal: what it wants; if empty, it wants what the source's customer wanted.
    language: in which it writes, such as `German`; "" is the agent's.
    origin: None if it was not generated.
    expected_calls: of an agent that does what the persona wants, for scoring; nobody in the conversation sees them.
    expectations: what its conversations should show, for `shared.model.expectations`; nobody sees them either.
    create_time, update_time: Unix milliseconds; 0 for built-in ones.
    """

    name: str
    display_name: str
    description: str = ""
    personality: Personality = field(default_factory=Personality)
    demographics: Demographics = field(default_factory=Demographics)
    behaviour_traits: tuple[str, ...] = ()
    goal: str = ""
    language: str = ""
    origin: Origin | None = None
    built_in: bool = False
    create_time: int = 0
    update_time: int = 0
    expected_calls: tuple[ExpectedCall, ...] = ()
    expectations: tuple[Mapping[str, Json], ...] = field(default=(), hash=False)

    @property
    def first_name(self) -> str:
        """The name that it signs with. Built-in personas have it last, after a trait."""
        names = self.display_name.split() or [""]
        return names[-1 if self.built_in else 0]

    @property
    def digest(self) -> str:
        """Equal for equal content, whatever the name, the origin and the times."""
        content = replace(self, name="", origin=None, built_in=False, create_time=0, update_time=0)
        return sha256(json.dumps(asdict(content), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class NewPersona:
    """A persona that was read from a line of a file.

    external_id: its id in the file. redacted: empty, because personas are not redacted.
    """

    line: int
    external_id: str
    persona: Persona
    redacted: Mapping[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Equal for equal content."""
        return self.persona.digest


def read_persona(record: Mapping[str, Json]) -> Persona:
    """Read a persona from a JSON object as `dataclasses.asdict` makes it; missing fields have their defaults."""
    personality, origin = record["personality"], record.get("origin")
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
            "origin": None if origin is None else Origin(**origin),
            "expected_calls": tuple(ExpectedCall(**call) for call in record.get("expected_calls", ())),
            "expectations": tuple(record.get("expectations", ())),
        }
    )
