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
class Situation:
    """What a customer of a business wants: something of a workflow.

    workflow: what it is for. steps: how it goes on; empty if that is not what matters. special: what is unusual this
    time, "" if nothing is.
    """

    workflow: str
    steps: tuple[str, ...] = ()
    special: str = ""

    @property
    def told(self) -> str:
        """It as a sentence or two, of up to 1,000 characters."""
        return f"{self.workflow} {self.special}".rstrip()[:1_000]


@dataclass(frozen=True, slots=True)
class GenerationBrief:
    """The facts in the system text of a model that invents personas.

    description: who they are, "" if only sources are given. count: how many. language: "" is free.
    measured: the customer that each of them writes like; empty if there are no sources.
    taken: names of personas that exist. situations: of the domain, one for each of them; empty without a domain.
    """

    description: str
    count: int
    language: str = ""
    measured: tuple[Measured, ...] = ()
    taken: tuple[str, ...] = ()
    situations: tuple[Situation, ...] = ()
