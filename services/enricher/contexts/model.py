"""What a domain says about a part of a business, and requests that were merged with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.enricher.knowledge.model import Hints
from services.enricher.patterns.model import Request
from shared.model.packs.model import Constraint, EdgeCase, Entity, Relationship, Rule, Scenario, Workflow

THE_REQUEST = "the request"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a context is about; empty parts are not limited. edge_cases: include them."""

    entity: str = ""
    workflow: str = ""
    scenario: str = ""
    edge_cases: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a domain says. entity: None if the context is about all entities.

    constraints: what holds for each field that is bounded, one a field. hints: how to generate, a sentence each.
    text: all of it, for people and language models. customer_text: what customers may know, with the edge cases.
    """

    domain: str
    revision: int
    entity: Entity | None
    relationships: tuple[Relationship, ...]
    rules: tuple[Rule, ...]
    edge_cases: tuple[EdgeCase, ...]
    scenarios: tuple[Scenario, ...]
    workflows: tuple[Workflow, ...]
    constraints: tuple[Constraint, ...]
    hints: tuple[str, ...]
    text: str
    customer_text: str


@dataclass(frozen=True, slots=True)
class Layer:
    """A request, or the one of a template, which is merged below it. by: who asks, as the subject of a sentence."""

    request: Request
    by: str

    @property
    def of(self) -> str:
        """Whose its hints are, after `the hint “…”`; empty for the request's own."""
        return "" if self.by == THE_REQUEST else f" of {self.by}"


@dataclass(frozen=True, slots=True)
class HintOutcome:
    """What became of a hint in words: what it was applied as, or why it was not."""

    hint: str
    applied: bool
    outcome: str


@dataclass(frozen=True, slots=True)
class Found:
    """A context and what the company's documents say about it."""

    context: Context
    documents: Hints


@dataclass(frozen=True, slots=True)
class Merged:
    """What a request became. constraints: one a field. shares: by scenario, with the sum 1. outcomes: of its hints."""

    shares: Mapping[str, float]
    constraints: tuple[Constraint, ...]
    outcomes: tuple[HintOutcome, ...]


@dataclass(frozen=True, slots=True)
class UsedPattern:
    """A pattern that became a hint. hint: the sentence about it."""

    name: str
    similarity: float
    quality: float
    hint: str


@dataclass(frozen=True, slots=True)
class Enriched:
    """A request merged with its domain, and what was found about it.

    digest: of the domain's revision. hints: how to generate, those of its template and its own, and of the patterns
    that were found. patterns_missing: why none were searched, as a sentence; else "". template: its name, or "".
    """

    found: Found
    digest: str
    hints: tuple[str, ...]
    merged: Merged
    patterns: Sequence[UsedPattern]
    patterns_missing: str
    template: str
