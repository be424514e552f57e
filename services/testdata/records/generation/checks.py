"""Checks every rule on finished records."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from services.testdata.records.generation.cell import Cell
from services.testdata.records.generation.participants import UniqueSet
from services.testdata.records.generation.plan import Plan
from services.testdata.records.generation.references import grouped, ranks
from services.testdata.records.generation.rules import Place, Rule
from services.testdata.records.model import EXAMPLES, Checked
from services.testdata.records.tables import Rows
from shared.model.packs.model import Severity
from shared.rules.evaluation import evaluate


def check_cell(plan: Plan, cell: Cell, entities: Iterable[str]) -> list[Checked]:
    """Every rule of these entities on the records of a cell."""
    some = {*entities}
    return [_checked(rule, cell) for rule in plan.rules if rule.entity in some]


def _checked(rule: Rule, cell: Cell) -> Checked:
    rows = cell.rows[rule.entity]
    held = evaluate(rule.compiled, cell.view(rule.entity, rule.needs))
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


def repeated(plan: Plan, cell: Cell) -> Iterator[tuple[str, UniqueSet]]:
    """The unique sets, each with its entity, that several records of a cell have alike."""
    for entity, some in plan.untaken.items():
        for one in some:
            columns = [cell.links[index].rows for index in one.references]
            known = np.ones(cell.rows[entity], np.bool_)
            for name in one.fields:
                found = cell.value(entity, name)
                columns.append(found.values.astype(np.int64))
                known &= True if found.known is None else found.known
            for index in one.references:
                known &= cell.links[index].rows >= 0
            places, _ = ranks(grouped([column[known] for column in columns]))
            if places.any():
                yield entity, one


def check_broken(cell: Cell, entities: Iterable[str], broken: Mapping[Place, Rows]) -> Iterator[Checked]:
    """What fields allow, for those that have values that they do not allow. broken: the rows with such values."""
    some = {*entities}
    for (entity, name), rows in broken.items():
        if entity in some:
            count = cell.rows[entity]
            examples = tuple((rows[:EXAMPLES] + cell.first[entity]).tolist())
            text = f"`{name}` has a value that the field allows."
            rule = f"{entity}.{name}"
            yield Checked(rule, entity, text, Severity.ERROR, count, count - len(rows), len(rows), examples)
