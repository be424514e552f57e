"""Decides which field's turn comes when, and what the rules ask of it then."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from services.testdata.records.generation.bounds import Solver
from services.testdata.records.generation.cell import NO_ROW
from services.testdata.records.generation.rules import (
    Needs,
    Place,
    Rule,
    columns,
    needs_of,
    opened,
    place_of,
    stored_value,
)
from shared.model.packs.model import Entity, Field, FieldType
from shared.model.packs.values import ORDERED
from shared.rules.checker import Compiled
from shared.rules.typed import Column, Scope

if TYPE_CHECKING:
    from services.testdata.records.generation.plan import Plan

Hops = tuple[Scope, tuple[str, ...]]
"""How a rule's record leads to a field's: by children, then by parents."""


@dataclass(frozen=True, eq=False)
class Test:
    """A rule that reads a field whose turn it is. typed: with what is not known yet left open. hops: to the field."""

    rule: Rule
    compiled: Compiled
    hops: tuple[Hops, ...]

    @cached_property
    def needs(self) -> Needs:
        """What it reads."""
        return needs_of([self.compiled.typed])


@dataclass(frozen=True, eq=False)
class Turn:
    """One field, or one reference, of an entity, and what is asked of it.

    reference: the index of the relationship; None for a field. solvers: the rules solved for the field, each with the
    way to it.
    """

    entity: str
    field: Field
    reference: int | None
    tests: tuple[Test, ...]
    solvers: tuple[tuple[Solver, Hops], ...]
    choices: tuple[Any, ...] = ()


def turns(plan: "Plan") -> dict[str, tuple[Turn, ...]]:
    """The turns of every entity, in order."""
    return _Schedule(plan).turns()


class _Schedule:
    """Decides which field's turn comes when, from what the rules read."""

    def __init__(self, plan: "Plan") -> None:
        self._plan = plan
        self._read = {place for rule in plan.rules for place in rule.columns}
        self._derived = {(one.entity, one.field.name) for one in plan.derived}
        self._known: set[Place] = set()
        self._links = {one.index for one in plan.early}
        self._static = dict(self._bounds())

    def _bounds(self) -> Iterator[tuple[Place, tuple[float, float]]]:
        for entity in self._plan.pack.entities:
            for one in entity.fields:
                if one.type in ORDERED:
                    yield (entity.name, one.name), static_bounds(one)

    def turns(self) -> dict[str, tuple[Turn, ...]]:
        found: dict[str, tuple[Turn, ...]] = {}
        linked = {
            place
            for one in self._plan.pack.relationships
            for place in (
                *((one.child, name) for name in one.child_fields),
                *((one.parent, name) for name in one.parent_fields),
            )
        }
        self._known |= linked
        for name in self._plan.order:
            entity = self._plan.pack.entity(name)
            assert entity is not None
            self._links |= {one.index for one in self._plan.late[name]}
            fixed = {of for child, of in self._plan.nulls if child == name}
            fixed |= {of for one in self._plan.combined[name] for of in one.fields}
            plain = [one for one in entity.fields if (name, one.name) not in linked | self._derived]
            self._known |= {
                (name, one.name) for one in plain if (name, one.name) not in self._read or one.name in fixed
            }
            made = [self._reference_turn(entity, index) for index in self._optional(entity)]
            chosen = [one for one in plain if (name, one.name) in self._read and one.name not in fixed]
            chosen.sort(key=partial(_priority, entity))
            found[name] = (*made, *(self._field_turn(entity, one) for one in chosen))
            self._known |= {(one.entity, one.field.name) for one in self._plan.derived if one.inputs <= self._known}
        return found

    def _optional(self, entity: Entity) -> Iterator[int]:
        for index, one in enumerate(self._plan.pack.relationships):
            if one.child == entity.name and index in self._links:
                reference = self._plan.references[index]
                if not one.required or (reference.maximum is None and not reference.minimum):
                    yield index

    def _reference_turn(self, entity: Entity, index: int) -> Turn:
        one = self._plan.pack.relationships[index]
        unknown = self._unknown()
        tests: list[Test] = []
        for rule in self._plan.rules:
            if rule.entity == entity.name and any(
                not column.scope
                and ((column.parents and column.parents[0] == one.parent_name) or column.name in one.child_fields)
                for column in columns(rule.compiled.typed)
            ):
                tests += self._test(rule, unknown, ((), ()))
        of = entity.field(one.child_fields[0])
        assert of is not None
        return Turn(entity.name, of, index, tuple(tests), ())

    def _field_turn(self, entity: Entity, one: Field) -> Turn:
        place = (entity.name, one.name)
        before = self._unknown()
        self._known.add(place)
        after = self._unknown()
        tests: list[Test] = []
        solvers: list[tuple[Solver, Hops]] = []
        for rule in self._plan.rules:
            if place not in rule.columns:
                continue
            some = [column for column in rule.columns[place] if self._reached(rule, column)]
            hops = tuple(dict.fromkeys((column.scope, column.parents) for column in some))
            if hops:
                tests += self._test(rule, after, *hops)
                solvers += [
                    (Solver(rule, column, self._static, partial(before, rule)), (column.scope, column.parents))
                    for column in dict.fromkeys(some)
                    if len(column.scope) + len(column.parents) <= 1
                ]
        return Turn(entity.name, one, None, tuple(tests), tuple(solvers), choices(one))

    def _test(self, rule: Rule, unknown: Callable[[Rule, Column], bool], *hops: Hops) -> Iterator[Test]:
        typed = opened(rule.compiled.typed, partial(unknown, rule))
        if typed is not None and any(column.name or column.scope for column in columns(typed)):
            yield Test(rule, Compiled(rule.compiled.source, rule.entity, rule.compiled.syntax, typed), hops)

    def _unknown(self) -> Callable[[Rule, Column], bool]:
        return _Unknown(self._plan, frozenset(self._known), frozenset(self._links))

    def _reached(self, rule: Rule, column: Column) -> bool:
        return all(index in self._links for index in along(self._plan, rule.entity, column.scope, column.parents))


@dataclass(frozen=True)
class _Unknown:
    """Says whether a column of a rule has no values yet."""

    plan: "Plan"
    known: frozenset[Place]
    links: frozenset[int]

    def __call__(self, rule: Rule, column: Column) -> bool:
        if not all(one in self.links for one in along(self.plan, rule.entity, column.scope, column.parents)):
            return True
        if not column.name:
            return False
        place = place_of(rule.schema, rule.entity, column)
        if place not in self.known:
            return True
        # A reference that is assigned late is not known before, though others are known early.
        return any(
            one.child == place[0] and place[1] in one.child_fields and index not in self.links
            for index, one in enumerate(self.plan.pack.relationships)
        )


def along(plan: "Plan", entity: str, scope: Scope, parents: Sequence[str]) -> Iterator[int]:
    """The relationships on the way from a rule's record; NO_ROW for one that does not take part."""
    for name in scope:
        index = plan.by_child_name.get((entity, name), NO_ROW)
        yield index
        if index != NO_ROW:
            entity = plan.pack.relationships[index].child
    for name in parents:
        index = plan.by_parent_name.get((entity, name), NO_ROW)
        yield index
        if index != NO_ROW:
            entity = plan.pack.relationships[index].parent


def choices(of: Field) -> tuple[Any, ...]:
    """The values of an enumeration or a boolean, as columns store them; empty for other fields."""
    if of.type is FieldType.BOOLEAN:
        return tuple(of.values) or (False, True)
    if of.type in (FieldType.TEXT, FieldType.IDENTIFIER):
        return tuple(of.values) if all(isinstance(one, str) for one in of.values) else ()
    return tuple(stored_value(of, one) for one in of.values)


def static_bounds(of: Field) -> tuple[float, float]:
    """The least and greatest value that a field's own bounds allow, as columns store it."""
    step = 10.0 ** -(of.scale or 0) if of.type is FieldType.NUMBER else 1.0
    low = -np.inf if of.minimum is None else float(stored_value(of, of.minimum)) + step * of.exclusive_minimum
    high = np.inf if of.maximum is None else float(stored_value(of, of.maximum)) - step * of.exclusive_maximum
    return low, high


def _priority(entity: Entity, of: Field) -> tuple[int, bool, int]:
    """Enumerations first, then moments, then numbers, then texts; those that are never null first."""
    kind = {FieldType.DATE: 1, FieldType.DATETIME: 1, FieldType.TIME: 1, FieldType.TEXT: 3, FieldType.JSON: 3}
    rank = 0 if choices(of) else kind.get(of.type, 2)
    return rank, of.nullable, entity.fields.index(of)
