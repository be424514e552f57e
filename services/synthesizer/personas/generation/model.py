"""What a generation of personas is asked for, and what comes of it."""

from dataclasses import dataclass

from services.synthesizer.personas.model import Persona
from services.synthesizer.sources.model import SourceFilter
from shared.model.events import Usage


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which personas to generate: from a description, from sources by name or by filter, from a domain, or several.

    domain: `domains/{domain}`, "" for none. domain_revision: 0 is the newest READY one, or else the newest.
    language: "" is that of the sources, or of the description. model: its full name; "" is the server's default.
    band: the middle share of customers that personas are drawn from; 0 is all.
    """

    count: int
    description: str = ""
    sources: tuple[str, ...] = ()
    source_filter: SourceFilter | None = None
    language: str = ""
    model: str = ""
    seed: int = 0
    domain: str = ""
    domain_revision: int = 0
    band: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """How a generation ended. usage: of all requests to the model."""

    stored: int
    rejected: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Rejected:
    """A draft that was not stored. reason: UPPER_SNAKE. detail: one sentence a problem."""

    display_name: str
    reason: str
    detail: str


Outcome = Persona | Rejected | Summary
"""What a generation streams: a persona once it is stored, a draft that was not, and at the end the summary."""
