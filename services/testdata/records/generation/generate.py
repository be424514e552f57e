"""Makes cells, and from them any rows of any entity."""

import json
import math
from collections import OrderedDict
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from services.testdata.records.formats.text import json_lines
from services.testdata.records.generation.cell import Cell, Values
from services.testdata.records.generation.division import NO_CASE
from services.testdata.records.generation.nested import VALUES, Nested
from services.testdata.records.generation.participants import UniqueSet
from services.testdata.records.generation.placing import Placing
from services.testdata.records.generation.plan import Plan, make_plan
from services.testdata.records.generation.references import assign, grouped, ranks
from services.testdata.records.generation.rules import Place
from services.testdata.records.generation.schedule import choices, turns
from services.testdata.records.generation.search import Search
from services.testdata.records.model import RecordSpec
from services.testdata.records.tables import Column, Rows, Strings, Texts
from services.testdata.records.values import Draws, Filler, filler
from services.testdata.records.values.edges import Case
from services.testdata.records.values.fillers import column_of
from services.testdata.records.values.numbers import NullFiller, RowFiller
from shared.model.packs.model import FieldType
from shared.rules.evaluation import compute

KEPT = 2
"""Cells that are kept, because the next range often begins in the last one."""


class Generator:
    """Generates the records of a plan, in any order and any number of times: the same rows each time."""

    def __init__(self, plan: Plan, nested: Nested | None = None) -> None:
        """nested: makes the values inside of JSON fields; None to begin at the top."""
        self.plan = plan
        self._turns = turns(plan)
        self._fillers = dict(_fillers(plan, nested or Nested(partial(_inside, plan.spec), plan.spec.locale)))
        self._others = dict(_fillers_of_parts(plan))
        self._cases = dict(_cases(plan))
        self._placing = Placing()
        self._cells: OrderedDict[int, Cell] = OrderedDict()
        self._shared: Cell | None = None

    def with_seed(self, seed: int) -> "Generator":
        """The same with another seed, for which nothing has to be planned again."""
        other = copy(self)
        other.plan = replace(self.plan, spec=replace(self.plan.spec, seed=seed))
        other._cells, other._shared = OrderedDict(), None
        return other

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
        for name in {*plan.divisions} & {*rows}:
            cell.divided[name] = plan.divisions[name].of(plan.spec.seed, cell.numbers(name))
        for one in plan.early:
            if one.relationship.child in rows:
                assign(cell, one, plan.spec.seed)
        done = {*plan.shared} - {*rows}
        for name in plan.order:
            if name not in rows:
                continue
            for one in plan.late[name]:
                assign(cell, one, plan.spec.seed)
            for combination in plan.combined[name]:
                self._combine(cell, name, combination)
            Search(plan, cell, name, self._turns[name]).run()
            done.add(name)
            self._derive(cell, done, rows)
        return cell

    def _filled(self, cell: Cell, entity: str, name: str) -> Column:
        draws, rows = Draws(self.plan.spec.seed, entity, name), cell.numbers(entity)
        column = self._fillers[entity, name].fill(draws, rows)
        if entity not in self.plan.divisions:
            return column
        for part in range(len(self.plan.divisions[entity].parts)):
            if (other := self._others.get((entity, name, part))) is not None:
                mine = np.flatnonzero(cell.divided[entity].parts == part)
                column = self._placing.placed(column, mine, other.fill(draws, rows[mine]), np.arange(len(mine)))
        if (cases := self._cases.get((entity, name, False))) is not None:
            numbers = self._numbers(cell, entity, cases)
            cell.plain[entity, name] = column, numbers != NO_CASE
            column = self._with_cases(column, cases, numbers)
        return column

    def _numbers(self, cell: Cell, entity: str, cases: "_Cases") -> Rows:
        return self.plan.divisions[entity].numbers(cell.divided[entity], cases.cases)

    def _with_cases(self, column: Column, cases: "_Cases", numbers: Rows) -> Column:
        rows = np.flatnonzero(numbers != NO_CASE)
        return self._placing.placed(column, rows, cases.values, numbers[rows])

    def broken(self, cell: Cell) -> dict[Place, Rows]:
        """The rows that take values that their fields do not allow, because edge cases ask for that."""
        return {
            (entity, name): np.flatnonzero(self._numbers(cell, entity, cases) != NO_CASE)
            for (entity, name, broken), cases in self._cases.items()
            if broken and entity in cell.rows
        }

    def finished(self, cell: Cell) -> Cell:
        """The cell with those values. They are put in last, so everything else is as it is without them."""
        if not any(broken for _, _, broken in self._cases):
            return cell
        other = copy(cell)
        other.made, other.values = {**cell.made}, {**cell.values}
        for (entity, name, broken), cases in self._cases.items():
            if broken and entity in cell.rows:
                column = cell.written(entity, name)
                other.made[entity, name] = self._with_cases(column, cases, self._numbers(cell, entity, cases))
                other.values.pop((entity, name), None)
        return other

    def _combine(self, cell: Cell, entity: str, combination: UniqueSet) -> None:
        """Give each record another combination of the few values that no two of the same parents may share."""
        found = self.plan.pack.entity(entity)
        assert found is not None
        names = combination.fields
        options = [choices(of) for of in map(found.field, names) if of is not None]
        space = math.prod(len(one) for one in options)
        draws = Draws(self.plan.spec.seed, entity, " and ".join(names))
        if combination.references:
            place, group = ranks(grouped([cell.links[index].rows for index in combination.references]))
            places = (draws.below(group, space) + place) % space
        else:
            places = draws.permuted(cell.numbers(entity), space)
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
                    column, _ = compute(one.compiled, cell.view(one.entity, one.needs))
                    values = np.ascontiguousarray(column.values)
                    if one.field.scale is not None and values.dtype.kind == "f":
                        values = np.round(values, one.field.scale)
                    cell.values[one.entity, one.field.name] = Values(values, column.known, column.texts)
                    waiting.remove(one)
                    changed = True


@dataclass(frozen=True, eq=False)
class _Cases:
    """The edge cases of a field, and their values as a column."""

    cases: list[Case]
    values: Column


def _cases(plan: Plan) -> Iterator[tuple[tuple[str, str, bool], _Cases]]:
    """The edge cases that records take, by entity and field; True for those that the field does not allow."""
    for entity, division in plan.divisions.items():
        for name in dict.fromkeys(one.field.name for part in division.placed for one in part):
            for broken in (False, True):
                if some := division.placed_in(name, broken=broken):
                    column = column_of(some[0].field, [one.value for one in some])
                    yield (entity, name, broken), _Cases(some, column)


def _fillers_of_parts(plan: Plan) -> Iterator[tuple[tuple[str, str, int], Filler]]:
    """How fields are filled that a scenario narrows: by entity, field, and the number of the part."""
    for entity, division in plan.divisions.items():
        for number, part in enumerate(division.parts):
            for name, of in part.fields.items():
                spec = plan.spec
                skewed, like = spec.production_like, plan.likes.get(entity)
                made = filler(of, entity, spec.locale, part.count, False, production_like=skewed, like=like)
                yield (entity, name, number), made


def _inside(spec: RecordSpec, entity: str, nested: Nested) -> list[Any]:
    """Some records of an entity that stand inside of others, as JSON without what is null."""
    inner = RecordSpec(spec.pack, {entity: VALUES}, locale=spec.locale)
    generator = Generator(make_plan(inner), nested)
    table = generator.cell(0).table(entity, generator.fields(entity))
    lines = json_lines(table).encode(table).splitlines()
    return [{key: value for key, value in json.loads(line).items() if value is not None} for line in lines]


def _fillers(plan: Plan, nested: Nested) -> Iterator[tuple[Place, Filler]]:
    """How the fields are filled that rules do not give. Raises what `filler` raises, such as TooFewValues."""
    given = {(one.child, name) for one in plan.pack.relationships for name in one.child_fields}
    given |= {(one.entity, one.field.name) for one in plan.derived}
    given |= {(entity, name) for entity, some in plan.combined.items() for one in some for name in one.fields}
    for entity in plan.pack.entities:
        for of in entity.fields:
            if (entity.name, of.name) not in given:
                unique = of.unique or entity.key == (of.name,)
                if of.json_schema is not None:
                    yield (entity.name, of.name), nested.within(entity.name).filler(of, entity.name)
                    continue
                if of.generated and of.type is FieldType.INTEGER:
                    yield (entity.name, of.name), RowFiller(of.type, 1 if of.minimum is None else int(str(of.minimum)))
                    continue
                rows, skewed = plan.counts[entity.name], plan.spec.production_like
                like = plan.likes.get(entity.name)
                made = filler(of, entity.name, plan.spec.locale, rows, unique, production_like=skewed, like=like)
                yield (entity.name, of.name), NullFiller(made, 1) if (entity.name, of.name) in plan.nulls else made
