"""Requests for records, how they were generated, and what is kept of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.model.events import Json
from shared.model.packs.model import Constraint

GENERATION, PATTERN, TEMPLATE = "generations/", "patterns/", "templates/"
"""How their names begin."""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to have generated.

    shares: by scenario, relative to their sum; empty: those of the domain. hints: wishes in words. template: its name.
    """

    domain: str
    entity: str
    revision: int = 0
    context: str = ""
    hints: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    workflow: str = ""
    edge_cases: bool = False
    template: str = ""

    def beside(self, template: "Request") -> "Request":
        """What a request asks together with the one of its template, whose domain and entity are its own."""
        return replace(
            self,
            domain=self.domain or template.domain,
            entity=self.entity or template.entity,
            revision=self.revision or template.revision,
            context=self.context or template.context,
            hints=tuple(dict.fromkeys((*template.hints, *self.hints))),
            shares=self.shares or template.shares,
            constraints=(*template.constraints, *self.constraints),
            workflow=self.workflow or template.workflow,
            edge_cases=self.edge_cases or template.edge_cases,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """How records were generated. settings: the generator's own, which only it reads."""

    hints: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    settings: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Generation:
    """Records that were generated, or not: then error says why.

    plan: None in lists, whose requests are short. quality: 0 to 1. pattern: what it was stored as; "" if it failed.
    create_time: Unix milliseconds.
    """

    name: str
    request: Request
    plan: Plan | None
    success: bool
    quality: float
    records: int
    error: str
    pattern: str
    creator: str
    create_time: int


@dataclass(frozen=True, slots=True)
class GenerationFilter:
    """Only generations of a domain and an entity, "" for any; that succeeded or not, None for both; from a time on,
    and before another, in Unix milliseconds, None for any."""

    domain: str = ""
    entity: str = ""
    success: bool | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A request that worked, and the best plan for it, with that generation's quality and number of records.

    plan: None in lists and searches, whose requests are short. generations: how many successful ones asked this.
    uses: how often it became a hint.
    """

    name: str
    request: Request
    plan: Plan | None
    quality: float
    records: int
    generations: int
    uses: int
    creator: str
    create_time: int


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern and how similar its request is, 0 to 1."""

    pattern: Pattern
    similarity: float


@dataclass(frozen=True, slots=True)
class PatternHints:
    """Patterns for work that goes on without them. missing: why there are none, as a sentence; else ""."""

    found: Sequence[Found] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern with a name. plan: None in lists, whose requests are short."""

    name: str
    description: str
    request: Request
    plan: Plan | None
    pattern: str
    creator: str
    create_time: int
