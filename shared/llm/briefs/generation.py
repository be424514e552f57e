"""The brief of a model that invents personas."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """How the customer of a real conversation writes.

    source: the name of the conversation. language: its English name, "" if unknown. The others are as in a persona.
    """

    source: str
    language: str
    tone: str
    response_length: str
    decision_speed: str
    objection_likelihood: str
    traits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GenerationBrief:
    """The facts in the system text of a model that invents personas.

    description: who they are, "" if only sources are given. count: how many. language: "" is free.
    measured: the customer that each of them writes like; empty if there are no sources.
    taken: names of personas that exist.
    """

    description: str
    count: int
    language: str = ""
    measured: tuple[Measured, ...] = ()
    taken: tuple[str, ...] = ()
