"""Makes cells, and from them any rows of any entity."""

from collections import OrderedDict
from collections.abc import Iterator
from copy import copy
from dataclasses import replace

import numpy as np

from services.testdata.records.generation.cell import Cell, Values
from services.testdata.records.generation.plan import Plan
from services.testdata.records.generation.references import assign
from services.testdata.records.generation.rules import Place
from services.testdata.records.generation.schedule import turns
from services.testdata.records.generation.search import Search
from services.testdata.records.tables import Column, Strings, Table, Texts
from services.testdata.records.values import Draws, Filler, filler
from shared.rules.evaluation import compute

KEPT = 2
"""Cells that are kept, because the next range often begins in the last one."""


class Generator:
    """Generates the records of a plan, in any order and any number of times: the same rows each time."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._turns = turns(plan)
        self._fillers = dict(_fillers(plan))
        self._cells: OrderedDict[int, Cell] = OrderedDict()
        self._shared: Cell | None = None

    def with_seed(self, seed: int) -> "Generator":
        """The same with another seed, for which nothing has to be planned again."""
        other = copy(self)
        other.plan = replace(self.plan, spec=replace(self.plan.spec, seed=seed))
        other._cells, other._shared = OrderedDict(), None
        return other

    def tables(self, entity: str, start: int, stop: int) -> Iterator[Table]:
        """The rows from `start` to before `stop` of an entity, in tables of up to a cell."""
        for number in self.plan.cells_of(entity, start, stop):
            cell = self.cell(number)
            first, rows = cell.first[entity], cell.rows[entity]
            table = cell.table(entity, self.fields(entity))
            low, high = max(start - first, 0), min(stop - first, rows)
            if low < high:
                yield table if (low, high) == (0, rows) else table.part(low, high)

    def fields(self, entity: str) -> list[str]:
        """The names of an entity's fields."""
        found = self.plan.pack.entity(entity)
        assert found is not None
        return [one.name for one in found.fields]

    def cell(self, number: int) -> Cell:
        """A cell."""
        if number in self._cells:
            self._cells.move_to_end(number)
        else:
            if self.plan.shared and self._shared is None:
                self._shared = self._make(
                    dict.fromkeys(self.plan.shared, 0),
                    {name: self.plan.counts[name] for name in self.plan.shared},
                    None,
                )
            bounds = self.plan.bounds
            first = {name: int(bounds[name][number]) for name in bounds}
            rows = {name: int(bounds[name][number + 1]) - first[name] for name in bounds}
            self._cells[number] = self._make(first, rows, self._shared)
            if len(self._cells) > KEPT:
                self._cells.popitem(last=False)
        return self._cells[number]

    def _make(self, first: dict[str, int], rows: dict[str, int], shared: Cell | None) -> Cell:
        plan = self.plan
        cell = Cell(plan.pack, first, rows, shared, self._filled)
        for one in plan.early:
            if one.relationship.child in rows:
                assign(cell, one, plan.spec.seed)
        done = {*plan.shared} - {*rows}
        for name in plan.order:
            if name not in rows:
                continue
            for one in plan.late[name]:
                assign(cell, one, plan.spec.seed)
            self._combine(cell, name)
            Search(plan, cell, name, self._turns[name]).run()
            done.add(name)
            self._derive(cell, done, rows)
        return cell

    def _filled(self, cell: Cell, entity: str, name: str) -> Column:
        return self._fillers[entity, name].fill(Draws(self.plan.spec.seed, entity, name), cell.numbers(entity))

    def _combine(self, cell: Cell, entity: str) -> None:
        """Give each record another combination of the enumerations that no two may share."""
        names = self.plan.combined.get(entity, ())
        if not names:
            return
        found = self.plan.pack.entity(entity)
        assert found is not None
        from services.testdata.records.generation.schedule import choices

        options = [choices(of) for of in map(found.field, names) if of is not None]
        space = int(np.prod([len(one) for one in options]))
        places = Draws(self.plan.spec.seed, entity, " and ".join(names)).permuted(cell.numbers(entity), space)
        for name, values in zip(names, options, strict=True):
            places, codes = np.divmod(places, len(values))
            of = found.field(name)
            assert of is not None
            if isinstance(values[0], str):
                cell.made[entity, name] = Texts(type=of.type, strings=Strings.of(values), codes=codes.astype(np.int32))
            else:
                cell.values[entity, name] = Values(np.array(values)[codes])

    def _derive(self, cell: Cell, done: set[str], rows: dict[str, int]) -> None:
        """Compute the derived fields whose inputs are known."""
        waiting = [
            one for one in self.plan.derived if one.entity in rows and (one.entity, one.field.name) not in cell.values
        ]
        places = {(one.entity, one.field.name) for one in self.plan.derived}
        changed = True
        while changed:
            changed = False
            for one in list(waiting):
                if all(place[0] in done and (place not in places or place in cell.values) for place in one.inputs):
                    column, _ = compute(one.compiled, cell.view(one.entity, [one.compiled.typed]))
                    values = np.ascontiguousarray(column.values)
                    if one.field.scale is not None and values.dtype.kind == "f":
                        values = np.round(values, one.field.scale)
                    cell.values[one.entity, one.field.name] = Values(values, column.known, column.texts)
                    waiting.remove(one)
                    changed = True


def _fillers(plan: Plan) -> Iterator[tuple[Place, Filler]]:
    """How the fields are filled that rules do not give. Raises what `filler` raises, such as TooFewValues."""
    given = {(one.child, name) for one in plan.pack.relationships for name in one.child_fields}
    given |= {(one.entity, one.field.name) for one in plan.derived}
    given |= {(entity, name) for entity, names in plan.combined.items() for name in names}
    for entity in plan.pack.entities:
        for of in entity.fields:
            if (entity.name, of.name) not in given:
                unique = of.unique or entity.key == (of.name,)
                rows, like = plan.counts[entity.name], plan.spec.production_like
                made = filler(of, entity.name, plan.spec.locale, rows, unique, production_like=like)
                yield (entity.name, of.name), made
