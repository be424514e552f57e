"""Which entities take part in a generation, and with how many records: those asked for, and what they need."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.testdata.records.errors import (
    DerivedInCircle,
    EntityUnknown,
    ScenarioUnknown,
)
from services.testdata.records.generation.rules import Derived, Place, Rule, columns, read_rules, stored_value
from services.testdata.records.model import RecordSpec
from services.testdata.records.values.errors import NoValues
from shared.model.events import Json
from shared.model.packs.model import SCENARIOS, Constraint, Entity, Field, FieldType, Pack, Relationship
from shared.patterns.automaton import automaton
from shared.rules import tables
from shared.rules.evaluation import evaluate
from shared.rules.schema import Kind, Type
from shared.rules.syntax import LARGEST
from shared.rules.typed import Column
from shared.yaml import near

_SMALL_SPACE = 64
"""An entity that nobody asked for has all of its combinations, if they are so few."""
_CHILDREN = 2
"""Children of a parent, where nobody said how many."""
_PARENT_SHARE, _FEW_PARENTS = 3, 20
"""Children for each parent, where nobody said how many parents; but so many parents if there are as many children."""


def with_scenarios(spec: RecordSpec) -> RecordSpec:
    """The spec with the scenarios of its pack by their weights, if it asks for edge cases and names no scenario.

    Scenarios that the caller's constraints exclude are left out.
    """
    if spec.scenario or spec.shares or not spec.include_edge_cases:
        return spec
    shares = []
    for one in spec.pack.scenarios:
        if one.weight and (not one.entities or any(name in spec.counts for name in one.entities)):
            try:
                narrowed(replace(spec, scenario=one.id))
            except NoValues:
                continue
            shares.append((one.id, one.weight))
    return replace(spec, scenario=shares[0][0]) if len(shares) == 1 else replace(spec, shares=tuple(shares))


def narrowed(spec: RecordSpec) -> Pack:
    """The pack with its fields as the scenario and the caller constrain them."""
    scenario = next((one for one in spec.pack.scenarios if one.id == spec.scenario), None)
    if spec.scenario and scenario is None and spec.scenario not in SCENARIOS:
        known = [one.id for one in spec.pack.scenarios]
        raise ScenarioUnknown(scenario=spec.scenario, hint=near(spec.scenario, known) or "")
    constraints = [*(scenario.constraints if scenario else ()), *spec.constraints]
    entities = tuple(
        replace(
            entity,
            fields=tuple(
                constrained(
                    one,
                    [each for each in constraints if (each.entity, each.field) == (entity.name, one.name)],
                    entity.name,
                )
                for one in entity.fields
            ),
        )
        for entity in spec.pack.entities
    )
    return replace(spec.pack, entities=entities)


def constrained(of: Field, constraints: Sequence[Constraint], entity: str) -> Field:
    """The field with narrower bounds. Raises NoValues if none of its values is left."""
    for one in constraints:
        changes: dict[str, object] = {}
        if one.minimum is not None and _is_narrower(of, one.minimum, of.minimum, 1):
            changes |= {"minimum": one.minimum, "exclusive_minimum": one.exclusive_minimum}
        if one.maximum is not None and _is_narrower(of, one.maximum, of.maximum, -1):
            changes |= {"maximum": one.maximum, "exclusive_maximum": one.exclusive_maximum}
        if one.min_length:
            changes["min_length"] = max(of.min_length, one.min_length)
        if one.max_length is not None:
            changes["max_length"] = min(one.max_length, LARGEST if of.max_length is None else of.max_length)
        if one.pattern:
            changes["pattern"] = _narrower_pattern(of, one.pattern, entity)
        if one.values:
            left = tuple(v for v in one.values if not of.values or v in of.values)
            if not left:
                asked = ", ".join(map(str, one.values[:5]))
                raise NoValues(field=of.name, entity=entity, why=f"something else excludes {asked}")
            changes["values"] = left
        if one.nullable is not None:
            changes["nullable"] = of.nullable and one.nullable
        of = replace(of, **changes)  # type: ignore[arg-type]
    if of.minimum is not None and of.maximum is not None and not _is_narrower(of, of.maximum, of.minimum, 1):
        raise NoValues(field=of.name, entity=entity, why="its least value is above its greatest")
    return of


def _narrower_pattern(of: Field, asked: str, entity: str) -> str:
    """The one whose texts all match the other, too. Raises NoValues if there is none, since texts are made of one."""
    if of.pattern in ("", asked) or automaton(of.pattern).includes(automaton(asked)):
        return asked
    if automaton(asked).includes(automaton(of.pattern)):
        return of.pattern
    why = f"it has the pattern {of.pattern[:60]}; ask for one whose texts all match that, other than {asked[:60]}"
    raise NoValues(field=of.name, entity=entity, why=why)


def _is_narrower(of: Field, bound: Json, own: Json, sign: int) -> bool:
    """True if a bound leaves no more values than the field's own. sign: 1 for minimums, -1 for maximums."""
    if own is None:
        return True
    return bool(sign * stored_value(of, bound) >= sign * stored_value(of, own))


def narrower_entities(spec: RecordSpec, pack: Pack) -> set[str]:
    """The entities that scenarios or the caller narrow. pack: as `narrowed` gives it."""
    wholes = {one.name: one for one in spec.pack.entities}
    some = {name for name, _ in spec.shares}
    of_scenarios = {each.entity for one in spec.pack.scenarios if one.id in some for each in one.constraints}
    return of_scenarios | {one.name for one in pack.entities if one != wholes[one.name]}


def counts_of(spec: RecordSpec, pack: Pack, children: Mapping[tuple[str, tuple[str, ...]], float]) -> dict[str, int]:
    """The rows of every entity that takes part: as asked for, and as many others as those need.

    children: for the references in sample rows, how many records refer to the same one, on average.
    """
    names = [entity.name for entity in pack.entities]
    for name in spec.counts:
        if name not in names:
            raise EntityUnknown(entity=name, hint=near(name, names) or "")
    counts = dict(spec.counts)
    pending = list(counts)
    rules, derived = read_rules(pack, spec.pack, frozenset())
    narrower = narrower_entities(spec, pack)
    while pending:
        name = pending.pop(0)
        asked = name in spec.counts or name in narrower
        for other, rows in _needed(pack, name, counts[name], rules, derived, children, asked=asked):
            rows = min(rows, _most(pack, other))
            if other not in spec.counts and rows > counts.get(other, -1):
                counts[other] = rows
                pending.append(other)
        if not pending:
            for other, rows in _combined(pack, counts):
                if other not in spec.counts and rows > counts[other]:
                    counts[other] = rows
                    pending.append(other)
    return {name: counts[name] for name in names if name in counts}


def _needed(
    pack: Pack,
    name: str,
    rows: int,
    rules: Sequence[Rule],
    derived: Sequence[Derived],
    children: Mapping[tuple[str, tuple[str, ...]], float],
    *,
    asked: bool,
) -> Iterator[tuple[str, int]]:
    """The entities that the records of one entity need, and how many rows of each.

    asked: the caller asked for the entity, or it is narrowed, so that whatever its rules read is made too; otherwise it
    may be empty.
    """
    every = {*_read_by(rules, name), *_read_by(derived, name)}
    named = every if asked else {*_read_by(derived, name)}
    for one in pack.relationships:
        single = one.maximum == 1 or only_child(pack, one)
        measured = children.get((one.child, one.child_fields))
        needs = one.required or one.parent in named or measured is not None
        if rows and one.child == name and one.parent != name and needs:
            least = rows if single else max(rows // _PARENT_SHARE, min(rows, _FEW_PARENTS))
            if measured and not single:
                least = max(1, round(rows / measured))
            if one.maximum:
                least = max(least, -(-rows // one.maximum))
            if one.minimum > 1:
                least = min(least, max(1, rows // one.minimum))
            space = _most(pack, one.parent)
            yield one.parent, space if space <= _SMALL_SPACE else least
        if one.parent == name and one.child != name and (one.minimum or one.child in named):
            each = max(one.minimum, 1 if single else _CHILDREN)
            if one.maximum is not None:
                each = min(each, max(one.maximum, 1))
            yield one.child, -(-rows // 2) if single and not one.minimum else rows * each
    for entity in every - {name}:
        yield entity, int(entity in named and rows > 0)


def _combined(pack: Pack, counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """How many records of a parent there must be for children that no two have the same two parents."""
    for entity in pack.entities:
        for names in (entity.key, *entity.uniques):
            of = [one for one in pack.relationships if one.child == entity.name and {*one.child_fields} <= {*names}]
            fields = {name for one in of for name in one.child_fields}
            if len(of) == 2 and fields == {*names} and {entity.name, of[0].parent, of[1].parent} <= {*counts}:
                children, first, second = counts[entity.name], of[0].parent, of[1].parent
                yield first, -(-children // max(counts[second], 1))
                yield second, -(-children // max(counts[first], 1))


def _read_by(some: Sequence[Rule | Derived], name: str) -> Iterator[str]:
    """The entities that the expressions of an entity read."""
    for one in some:
        if one.entity == name:
            for column in columns(one.compiled.typed):
                yield from _along(one, column)


def _along(one: Rule | Derived, column: Column) -> Iterator[str]:
    """The entities that lead to a column, and its own."""
    entity = one.entity
    for child in column.scope:
        entity = one.schema.entities[entity].children[child]
        yield entity
    for parent in column.parents:
        entity = one.schema.entities[entity].parents[parent]
        yield entity


def _most(pack: Pack, name: str) -> int:
    """The most rows of an entity that its unique sets of enumerations allow."""
    entity = pack.entity(name)
    assert entity is not None
    sets = [names for names in (entity.key, *entity.uniques) if names]
    sets += [(one.name,) for one in entity.fields if one.unique]
    spaces = [LARGEST]
    for names in sets:
        fields = [entity.field(one) for one in names]
        if all(one is not None and few_values(one) for one in fields):
            spaces.append(int(np.prod([len(few_values(one)) for one in fields if one is not None])))
    return min(spaces)


def few_values(of: Field) -> tuple[object, ...]:
    """The few values that a field takes; empty if there are many."""
    return (False, True) if of.type is FieldType.BOOLEAN else of.values


def part_of(pack: Pack, counts: Mapping[str, int]) -> Pack:
    """What concerns the entities that take part."""
    entities = tuple(entity for entity in pack.entities if entity.name in counts)
    relationships = tuple(one for one in pack.relationships if one.child in counts and one.parent in counts)
    kept = replace(pack, entities=entities, relationships=relationships)
    return replace(kept, rules=tuple(rule for rule in pack.rules if rule.entity in counts and rule.expression))


def derived_circle(pack: Pack) -> None:
    """Refuse a key or reference that is derived."""
    for one in pack.relationships:
        child = pack.entity(one.child)
        assert child is not None
        for name in one.child_fields:
            found = child.field(name)
            if found is not None and found.derived:
                raise DerivedInCircle(field=f"{child.name}.{name}")


def with_required(pack: Pack) -> Pack:
    """The pack with references required that have no field that may be null, also those that go in a circle."""

    def required(one: Relationship) -> bool:
        child = pack.entity(one.child)
        assert child is not None
        fields = [child.field(name) for name in one.child_fields]
        return one.required or not any(of is None or of.nullable for of in fields)

    return replace(pack, relationships=tuple(replace(one, required=required(one)) for one in pack.relationships))


def parents_first(pack: Pack) -> tuple[str, ...]:
    """The entities, those before that others must refer to; in a circle, the one that needs the fewest others."""
    left = [entity.name for entity in pack.entities]
    needs = {name: {one.parent for one in pack.relationships if one.child == name and one.required} for name in left}
    wants = {name: {one.parent for one in pack.relationships if one.child == name} for name in left}
    done: list[str] = []
    while left:
        ready = [name for name in left if needs[name] <= {*done, name}]
        if not ready:
            fewest = min(len(needs[name] - {*done, name}) for name in left)
            ready = [name for name in left if len(needs[name] - {*done, name}) == fewest]
        best = min(ready, key=lambda name: len(wants[name] - {*done, name}))
        done.append(best)
        left.remove(best)
    return tuple(done)


def backwards(one: Relationship, first: Sequence[str]) -> bool:
    """True for an optional reference to records that are written later; it stays null."""
    return not one.required and one.parent != one.child and first.index(one.parent) > first.index(one.child)


def folded_children(some: Sequence[Rule | Derived]) -> set[tuple[str, str]]:
    """The children, by their parent and their name in rules, that expressions fold."""
    return {(one.entity, column.scope[0]) for one in some for column in columns(one.compiled.typed) if column.scope}


def each_with_one(
    pack: Pack, counts: Mapping[str, int], rules: Sequence[Rule], derived: Sequence[Derived], narrower: Collection[str]
) -> Iterator[Relationship]:
    """Relationships so that each parent has a child, where a rule cannot hold without one.

    narrower: entities for which a scenario or constraints leave fewer ways out, as an order that must be paid needs a
    payment: also where rules read their children and there are enough of them.
    """
    folded = folded_children(rules) | folded_children(derived)
    needed = {one for rule in rules for one in _cannot_do_without(rule)}
    for one in pack.relationships:
        name = (one.parent, one.child_name)
        few = one.parent in narrower or one.child in narrower
        enough = few and name in folded and one.required and counts[one.child] >= counts[one.parent]
        if name in needed or enough:
            yield replace(one, minimum=max(one.minimum, 1))
        else:
            yield one


def _cannot_do_without(rule: Rule) -> Iterator[tuple[str, str]]:
    """The children, by their parent and their name, without which a rule that reads nothing else is violated."""
    read = [*columns(rule.compiled.typed)]
    names = {column.scope[:1] for column in read}
    if len(names) != 1 or not read[0].scope or any(len(one.scope) > 1 or one.parents for one in read):
        return
    none = {one.name: _no_values(one.type) for one in read if one.name}
    children = {read[0].scope[0]: tables.Children(tables.Table(0, none), np.zeros(2, np.int64))}
    if evaluate(rule.compiled, tables.Table(1, {}, children)).violated[0]:
        yield rule.entity, read[0].scope[0]


def _no_values(type_: Type) -> tables.Column:
    if type_.textual:
        return tables.Column(np.zeros(0, np.int32), None, tables.Texts(("",)))
    kind = {Kind.NUMBER: np.float64, Kind.BOOLEAN: np.bool_, Kind.JSON: np.bool_}.get(type_.kind, np.int64)
    return tables.Column(np.zeros(0, kind))


def linked(pack: Pack) -> Iterator[Place]:
    """The fields that refer to records, and those that are referred to."""
    for one in pack.relationships:
        yield from ((one.child, name) for name in one.child_fields)
        yield from ((one.parent, name) for name in one.parent_fields)


def only_child(pack: Pack, one: Relationship) -> bool:
    """True if no two children have the same parent."""
    entity = pack.entity(one.child)
    assert entity is not None
    sets = [{*entity.key}, *map(set, entity.uniques), *({each.name} for each in entity.fields if each.unique)]
    return any(some and some <= {*one.child_fields} for some in sets)


@dataclass(frozen=True, slots=True)
class UniqueSet:
    """What no two records share. references: indexes of relationships of the pack. fields: other fields of the set."""

    references: tuple[int, ...]
    fields: tuple[str, ...]

    def words(self, pack: Pack) -> str:
        """Its fields, such as `` `book` and `place` ``."""
        names = [*(name for index in self.references for name in pack.relationships[index].child_fields), *self.fields]
        return " and ".join(f"`{name}`" for name in names)

    def is_few(self, entity: Entity) -> bool:
        """True if each of the fields has few values, so that the references must differ too."""
        return all(of is not None and bool(few_values(of)) for of in map(entity.field, self.fields))

    def space(self, entity: Entity) -> int:
        """How many combinations the fields have; 1 without fields."""
        return math.prod(len(few_values(of)) for of in map(entity.field, self.fields) if of is not None)


def unique_sets(pack: Pack, entity: Entity) -> Iterator[UniqueSet]:
    """The key and the unique sets of an entity, as references and other fields."""
    own = [(index, one) for index, one in enumerate(pack.relationships) if one.child == entity.name]
    for names in (entity.key, *entity.uniques):
        references = tuple(index for index, one in own if {*one.child_fields} & {*names})
        covered = {name for index in references for name in pack.relationships[index].child_fields}
        if names:
            yield UniqueSet(references, tuple(name for name in names if name not in covered))
