"""Checks every rule on finished records."""

from collections.abc import Iterable

import numpy as np

from services.testdata.records.generation.cell import Cell
from services.testdata.records.generation.plan import Plan
from services.testdata.records.generation.rules import Rule
from services.testdata.records.model import EXAMPLES, Checked
from shared.rules.evaluation import evaluate


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
