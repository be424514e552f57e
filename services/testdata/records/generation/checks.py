"""Checks every rule on finished records."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from services.testdata.records.generation.cell import Cell
from services.testdata.records.generation.plan import Plan
from services.testdata.records.generation.rules import Rule
from shared.model.packs.model import Severity
from shared.rules.evaluation import evaluate

EXAMPLES = 5
"""The most records that are named for a rule."""


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


def check_cell(plan: Plan, cell: Cell, entities: Iterable[str]) -> list[Checked]:
    """Every rule of these entities on the records of a cell."""
    some = {*entities}
    return [_checked(rule, cell) for rule in plan.rules if rule.entity in some]


def _checked(rule: Rule, cell: Cell) -> Checked:
    rows = cell.rows[rule.entity]
    held = evaluate(rule.compiled, cell.view(rule.entity, [rule.compiled.typed]))
    violated = np.flatnonzero(held.violated)
    return Checked(
        rule.id,
        rule.entity,
        rule.text,
        rule.severity,
        rows,
        int(held.held.sum()),
        len(violated),
        tuple((violated[:EXAMPLES] + cell.first[rule.entity]).tolist()),
    )
