"""Measures the quality of the generated records of one entity."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from services.testdata.records.generation.telling import beside
from services.testdata.records.model import Beside, Checked, Quality, rules_held
from services.testdata.records.quality import parts
from services.testdata.records.quality.samples import children_of
from services.testdata.records.tables import Table
from shared.model.packs.model import Entity

if TYPE_CHECKING:
    from services.testdata.records.generation.cell import Cell
    from services.testdata.records.generation.plan import Plan


def measure(plan: "Plan", cell: "Cell", table: Table, checks: Sequence[Checked]) -> Quality:
    """The quality of the records of an entity in a cell. checks: of all rules in the cell."""
    entity = plan.pack.entity(table.entity)
    assert entity is not None
    references = {name for one in plan.spec.pack.relationships if one.child == entity.name for name in one.child_fields}
    told = beside(plan, cell, table)
    quality = Quality(
        rules_held=rules_held(checks),
        edge_case_coverage=_covered(told),
        diversity=parts.diversity(entity, table, references),
        constraint_coverage=parts.constraint_coverage(entity, table),
    )
    return _compared(quality, plan, cell, entity, table, references) if entity.name in plan.samples else quality


def _covered(told: Beside) -> float | None:
    """Of the edge cases that the records should have, those that they have; None without any."""
    if not told.asked:
        return None
    return min(1.0, len({(one.scenario, one.field, one.id) for one in told.edges}) / told.asked)


def _compared(
    quality: Quality,
    plan: "Plan",
    cell: "Cell",
    entity: Entity,
    table: Table,
    references: set[str],
) -> Quality:
    sample = plan.samples[entity.name]
    names = [one for one in parts.compared(table, sample.table) if one in sample.comparable and one not in references]
    pairs = []
    links = {
        link.relationship.child_fields: link for link in cell.links.values() if link.relationship.child == entity.name
    }
    for one in plan.spec.pack.relationships:
        if one.child == entity.name:
            above = plan.samples.get(one.parent)
            link = links.get(one.child_fields)
            of_sample = children_of(one, sample.table, None if above is None else above.table)
            of_made = children_of(one, table, None) if link is None else np.diff(link.offsets)
            if of_sample is not None and of_made is not None:
                pairs.append((of_sample, of_made if above else of_made[of_made > 0]))
    return replace(
        quality,
        column_shapes=parts.column_shapes(table, sample.table, names),
        pair_trends=parts.pair_trends(table, sample.table, names),
        cardinality=parts.cardinality(pairs),
    )
