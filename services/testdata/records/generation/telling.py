"""What is told beside records: their edge cases and their scenarios."""

import numpy as np

from services.testdata.records.generation.cell import Cell
from services.testdata.records.generation.plan import Plan
from services.testdata.records.model import Beside, Edge
from services.testdata.records.tables import Rows, Table


def beside(plan: Plan, cell: Cell, table: Table) -> Beside:
    """What is told beside the rows of an entity in a cell. table: all of them."""
    division = plan.divisions.get(table.entity)
    if division is None:
        return Beside()
    of = cell.divided[table.entity]
    edges = tuple(
        Edge(case.field.name, case.id, case.category, case.text, part.scenario, rows + table.first + 1)
        for part, case, rows in division.found(of, table.columns)
    )
    names = [part.scenario for part in division.parts]
    scenarios = []
    if len({*names}) > 1:
        for name in dict.fromkeys(names):
            mine = np.isin(of.parts, [number for number, other in enumerate(names) if other == name])
            scenarios.append((name, np.flatnonzero(mine) + table.first + 1))
    return Beside(edges, tuple(scenarios), division.asked)


def between(told: Beside, start: int, stop: int) -> Beside:
    """What is told beside the records from `start` to before `stop`, counted from 0."""

    def some(records: Rows) -> Rows:
        return records[records.searchsorted(start, "right") : records.searchsorted(stop, "right")]

    edges = (Edge(e.field, e.id, e.category, e.text, e.scenario, some(e.records)) for e in told.edges)
    scenarios = ((name, some(records)) for name, records in told.scenarios)
    return Beside(
        tuple(one for one in edges if len(one.records)),
        tuple(one for one in scenarios if len(one[1])),
        told.asked,
    )
