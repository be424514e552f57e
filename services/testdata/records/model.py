"""What records are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from shared.model.packs.model import Category, Constraint, Pack, Severity

EXAMPLES = 5
"""The most records that are named for a rule."""
EDGE_SHARE = 0.2
"""The share of records with edge cases, where they are asked for and no scenario has some."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Sample rows of an entity, not read yet. content: the message EntitySamples. digest: of the content."""

    entity: str
    content: bytes = field(repr=False)
    digest: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asks for.

    source: a schema, a domain with or without a revision, or a pack as YAML. digest: of the domain's revision, or "".
    file: the name of the pack's file, or "".
    """

    source: str | bytes
    digest: str
    file: str
    counts: Mapping[str, int]
    seed: int
    locale: str
    scenario: str
    constraints: tuple[Constraint, ...]
    production_like: bool
    scenarios: tuple[tuple[str, float], ...] = ()
    include_edge_cases: bool = False
    samples: tuple[Samples, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """What to generate.

    counts: entity → number of records; entities that these need are made too. scenario: the only one, or empty.
    constraints: what the caller asks of fields, beside the scenario. production_like: with skewed, seasonal and
    correlated values, or as the samples of an entity have them. shares: several scenarios with their shares; then
    `scenario` is empty. include_edge_cases: also if no scenario has some. samples: rows to compare the records with.
    """

    pack: Pack
    counts: Mapping[str, int]
    seed: int = 0
    locale: str = "en-GB"
    scenario: str = ""
    constraints: tuple[Constraint, ...] = ()
    production_like: bool = False
    shares: tuple[tuple[str, float], ...] = ()
    include_edge_cases: bool = False
    samples: tuple[Samples, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge case that records have. id: the pack's, or such as `maximum`. records: their numbers, from 1."""

    field: str
    id: str
    category: Category
    text: str
    scenario: str
    records: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Beside:
    """What is told beside some records.

    edges: the edge cases that they have. scenarios: the numbers of the records of each scenario, from 1; empty if all
    have the same. asked: how many edge cases all records of the entity shall have together.
    """

    edges: tuple[Edge, ...] = ()
    scenarios: tuple[tuple[str, NDArray[np.int64]], ...] = ()
    asked: int = 0

    def plus(self, later: "Beside") -> "Beside":
        """Both together, of the same entity."""
        return Beside(self.edges + later.edges, self.scenarios + later.scenarios, max(self.asked, later.asked))


@dataclass(frozen=True, slots=True)
class Checked:
    """How one rule fares. Records for which it is unknown are neither held nor violated.

    examples: numbers of records that violate it, from 0.
    """

    rule: str
    entity: str
    text: str
    severity: Severity
    checked: int = 0
    held: int = 0
    violated: int = 0
    examples: tuple[int, ...] = ()

    def plus(self, other: "Checked") -> "Checked":
        """Both together."""
        return replace(
            self,
            checked=self.checked + other.checked,
            held=self.held + other.held,
            violated=self.violated + other.violated,
            examples=(self.examples + other.examples)[:EXAMPLES],
        )


def together(one: list[Checked], other: list[Checked]) -> list[Checked]:
    """The checks of two parts of the records."""
    if not one:
        return other
    more = {(check.rule, check.entity): check for check in other}
    return [
        check.plus(more.get((check.rule, check.entity), replace(check, checked=0, held=0, violated=0, examples=())))
        for check in one
    ]


@dataclass(frozen=True, slots=True)
class Quality:
    """How good records are: parts from 0 to 1, or None where there is nothing to measure.

    rules_held: of all checks of rules, those that held. edge_case_coverage: of the edge cases that were asked for,
    those that some record is. diversity, constraint_coverage: see `quality/parts.py`. column_shapes, pair_trends,
    cardinality: how like sample rows the records are.
    """

    rules_held: float | None = None
    edge_case_coverage: float | None = None
    diversity: float | None = None
    constraint_coverage: float | None = None
    column_shapes: float | None = None
    pair_trends: float | None = None
    cardinality: float | None = None

    @property
    def parts(self) -> dict[str, float]:
        """The parts that were measured."""
        named = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: value for name, value in named if value is not None}

    @property
    def score(self) -> float | None:
        """The mean of the parts that were measured."""
        known = self.parts.values()
        return sum(known) / len(known) if known else None


def rules_held(checks: Sequence[Checked]) -> float | None:
    """Of all checks, the share that was not violated; None without any."""
    checked = sum(one.checked for one in checks)
    return 1 - sum(one.violated for one in checks) / checked if checked else None
