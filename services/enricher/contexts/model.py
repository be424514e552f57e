"""What a domain says about a part of a business, and requests that were merged with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.enricher.knowledge.model import Hints
from shared.model.packs.model import Constraint, EdgeCase, Entity, Relationship, Rule, Scenario, Workflow


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
    text: all of it, for people and language models.
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


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to have generated.

    shares: by scenario, relative to their sum; empty: those of the domain. hints: wishes in words.
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
class Enriched:
    """A request merged with its domain, and what was found about it.

    hints: how to generate, and those of the request.
    """

    found: Found
    hints: tuple[str, ...]
    merged: Merged
