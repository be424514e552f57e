"""What generation does, settled before the first record: which entities, how many rows, in which order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from services.testdata.records.errors import (
    ChildrenTooFew,
    ChildrenTooMany,
    DerivedInCircle,
    EntityUnknown,
    ScenarioUnknown,
    TooManyTogether,
    ValuesTooFew,
)
from services.testdata.records.generation.computed import with_computed
from services.testdata.records.generation.references import Equality, Means, Reference
from services.testdata.records.generation.rules import Derived, Place, Rule, columns, place_of, read_rules
from services.testdata.records.model import RecordSpec
from services.testdata.records.tables import Rows
from shared.model.packs.model import Constraint, Entity, Field, FieldType, Pack, Relationship
from shared.rules import tables
from shared.rules.evaluation import evaluate
from shared.rules.schema import Kind, Type
from shared.rules.syntax import LARGEST
from shared.rules.typed import Apply, Column, Typed
from shared.yaml import near

CELL_ROWS = 1 << 14
"""Rows of the largest entity in a cell, about."""
SHARED_ROWS = 1 << 10
"""An entity with up to so many rows is the same for all cells, if the pack allows it."""
MOST_CELL_ROWS = 1 << 20
"""The most rows of an entity in a cell, which is generated whole."""
_SMALL_SPACE = 64
"""An entity that nobody asked for has all of its combinations, if they are so few."""
_CHILDREN = 2
"""Children of a parent, where nobody said how many."""
_PARENT_SHARE, _FEW_PARENTS = 3, 20
"""Children for each parent, where nobody said how many parents; but so many parents if there are as many children."""


@dataclass(frozen=True, eq=False)
class Plan:
    """How to generate.

    pack: with the entities that take part, their fields as the scenario narrows them. counts: rows in all.
    order: the entities, in the order in which their values are chosen. references: in the order in which they are
    assigned; early ones before any value. shared: entities that are the same for all cells.
    bounds: for other entities, the first row of each cell, and the end.
    """

    spec: RecordSpec
    pack: Pack
    counts: Mapping[str, int]
    order: tuple[str, ...]
    early: tuple[Reference, ...]
    late: Mapping[str, tuple[Reference, ...]]
    rules: tuple[Rule, ...]
    derived: tuple[Derived, ...]
    shared: frozenset[str]
    cells: int
    bounds: Mapping[str, Rows] = field(repr=False)
    combined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def written(self) -> tuple[str, ...]:
        """The entities so that parents come before their children."""
        return parents_first(self.pack)

    def cells_of(self, entity: str, start: int, stop: int) -> range:
        """The cells that have the rows from `start` to before `stop` of an entity."""
        if entity in self.shared:
            return range(1)
        bounds = self.bounds[entity]
        return range(int(bounds.searchsorted(start, "right")) - 1, int(bounds.searchsorted(stop, "left")))

    @cached_property
    def by_child_name(self) -> Mapping[tuple[str, str], int]:
        """(parent, what it calls its children) → the relationship's index."""
        return {(one.parent, one.child_name): index for index, one in enumerate(self.pack.relationships)}

    @cached_property
    def by_parent_name(self) -> Mapping[tuple[str, str], int]:
        """(child, what it calls its parent) → the relationship's index."""
        return {(one.child, one.parent_name): index for index, one in enumerate(self.pack.relationships)}

    @cached_property
    def references(self) -> Mapping[int, Reference]:
        """All references by the relationship's index."""
        late = (one for some in self.late.values() for one in some)
        return {one.index: one for one in (*self.early, *late)}


def make_plan(spec: RecordSpec) -> Plan:
    """Plan the generation. Raises what is said in `errors.py` of the noun."""
    spec = replace(spec, pack=with_computed(spec.pack))
    pack = _narrowed(spec)
    counts = _counts(spec, pack)
    pack = _part(pack, counts)
    derived_circle(pack)
    first = parents_first(pack)
    relationships = tuple(one for one in pack.relationships if not _backwards(one, first))
    pack = replace(pack, relationships=relationships)
    linked = frozenset(_linked(pack))
    rules, derived = read_rules(pack, spec.pack, linked)
    narrowed = bool(spec.scenario or spec.constraints)
    pack = replace(pack, relationships=tuple(_each_with_one(pack, counts, rules, derived, narrowed)))
    combined = {}
    entities = []
    for entity in pack.entities:
        made, combination = _distinct(entity, pack)
        if combination:
            combined[entity.name] = combination
            space = _space(made, combination)
            if counts[entity.name] > space:
                _too_few(entity.name, combination, counts[entity.name], space)
        entities.append(made)
    pack = replace(pack, entities=tuple(entities))
    shared, cells, bounds, anchors = _cells(pack, counts, rules, derived)
    order = _order(pack, rules, derived, shared)
    early, late = _references(pack, counts, rules, shared, bounds, anchors)
    plan = Plan(spec, pack, counts, order, early, late, tuple(rules), tuple(derived), shared, cells, bounds, combined)
    _check_counts(plan)
    return plan


# What takes part.


def _narrowed(spec: RecordSpec) -> Pack:
    """The pack with its fields as the scenario and the caller constrain them."""
    scenario = next((one for one in spec.pack.scenarios if one.id == spec.scenario), None)
    if spec.scenario and scenario is None:
        known = [one.id for one in spec.pack.scenarios]
        raise ScenarioUnknown(scenario=spec.scenario, hint=near(spec.scenario, known) or "")
    constraints = [*(scenario.constraints if scenario else ()), *spec.constraints]
    entities = tuple(
        replace(
            entity,
            fields=tuple(
                constrained(one, [each for each in constraints if (each.entity, each.field) == (entity.name, one.name)])
                for one in entity.fields
            ),
        )
        for entity in spec.pack.entities
    )
    return replace(spec.pack, entities=entities)


def constrained(of: Field, constraints: Sequence[Constraint]) -> Field:
    """The field with narrower bounds."""
    for one in constraints:
        changes: dict[str, object] = {}
        if one.minimum is not None:
            changes |= {"minimum": one.minimum, "exclusive_minimum": one.exclusive_minimum}
        if one.maximum is not None:
            changes |= {"maximum": one.maximum, "exclusive_maximum": one.exclusive_maximum}
        if one.min_length:
            changes["min_length"] = max(of.min_length, one.min_length)
        if one.max_length is not None:
            changes["max_length"] = min(one.max_length, LARGEST if of.max_length is None else of.max_length)
        if one.pattern:
            changes["pattern"] = one.pattern
        if one.values:
            changes["values"] = tuple(v for v in one.values if not of.values or v in of.values)
        if one.nullable is not None:
            changes["nullable"] = of.nullable and one.nullable
        of = replace(of, **changes)  # type: ignore[arg-type]
    return of


def _counts(spec: RecordSpec, pack: Pack) -> dict[str, int]:
    """The rows of every entity that takes part: as asked for, and as many others as those need."""
    names = [entity.name for entity in pack.entities]
    for name in spec.counts:
        if name not in names:
            raise EntityUnknown(entity=name, hint=near(name, names) or "")
    counts = dict(spec.counts)
    pending = list(counts)
    rules, derived = read_rules(pack, spec.pack, frozenset())
    narrowed = {one.name for one, whole in zip(pack.entities, spec.pack.entities, strict=True) if one != whole}
    while pending:
        name = pending.pop(0)
        asked = name in spec.counts or name in narrowed
        for other, rows in _needed(pack, name, counts[name], rules, derived, asked=asked):
            rows = min(rows, _most(pack, other))
            if other not in spec.counts and rows > counts.get(other, -1):
                counts[other] = rows
                pending.append(other)
    return {name: counts[name] for name in names if name in counts}


def _needed(
    pack: Pack, name: str, rows: int, rules: Sequence[Rule], derived: Sequence[Derived], *, asked: bool
) -> Iterator[tuple[str, int]]:
    """The entities that the records of one entity need, and how many rows of each.

    asked: the caller asked for the entity, or it is narrowed, so that whatever its rules read is made too; otherwise it
    may be empty.
    """
    every = {*_read_by(rules, name), *_read_by(derived, name)}
    named = every if asked else {*_read_by(derived, name)}
    for one in pack.relationships:
        single = one.maximum == 1 or _single(pack, one)
        if rows and one.child == name and one.parent != name and (one.required or one.parent in named):
            least = rows if single else max(rows // _PARENT_SHARE, min(rows, _FEW_PARENTS))
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
        if all(one is not None and _choices(one) for one in fields):
            spaces.append(int(np.prod([len(_choices(one)) for one in fields if one is not None])))
    return min(spaces)


def _choices(of: Field) -> tuple[object, ...]:
    """The few values that a field takes; empty if there are many."""
    return (False, True) if of.type is FieldType.BOOLEAN else of.values


def _part(pack: Pack, counts: Mapping[str, int]) -> Pack:
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


def parents_first(pack: Pack) -> tuple[str, ...]:
    """The entities, those before that others must refer to."""
    left = [entity.name for entity in pack.entities]
    needs = {name: {one.parent for one in pack.relationships if one.child == name and one.required} for name in left}
    wants = {name: {one.parent for one in pack.relationships if one.child == name} for name in left}
    done: list[str] = []
    while left:
        ready = [name for name in left if needs[name] <= {*done, name}]
        assert ready, "a checked pack has no circle of required references"
        best = min(ready, key=lambda name: len(wants[name] - {*done, name}))
        done.append(best)
        left.remove(best)
    return tuple(done)


def _backwards(one: Relationship, first: Sequence[str]) -> bool:
    """True for an optional reference to records that are written later; it stays null."""
    return one.parent != one.child and first.index(one.parent) > first.index(one.child)


def _folded(some: Sequence[Rule | Derived]) -> set[tuple[str, str]]:
    """The children, by their parent and their name in rules, that expressions fold."""
    return {(one.entity, column.scope[0]) for one in some for column in columns(one.compiled.typed) if column.scope}


def _each_with_one(
    pack: Pack, counts: Mapping[str, int], rules: Sequence[Rule], derived: Sequence[Derived], narrowed: bool
) -> Iterator[Relationship]:
    """Relationships so that each parent has a child, where a rule cannot hold without one.

    narrowed: also where rules read the children and there are enough of them, because a scenario or constraints leave
    fewer ways out, as an order that must be paid needs a payment.
    """
    folded = _folded(rules) | _folded(derived)
    needed = {one for rule in rules for one in _cannot_do_without(rule)}
    for one in pack.relationships:
        name = (one.parent, one.child_name)
        enough = narrowed and name in folded and one.required and counts[one.child] >= counts[one.parent]
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


def _linked(pack: Pack) -> Iterator[Place]:
    for one in pack.relationships:
        yield from ((one.child, name) for name in one.child_fields)
        yield from ((one.parent, name) for name in one.parent_fields)


def _single(pack: Pack, one: Relationship) -> bool:
    """True if no two children have the same parent."""
    entity = pack.entity(one.child)
    assert entity is not None
    sets = [{*entity.key}, *map(set, entity.uniques), *({each.name} for each in entity.fields if each.unique)]
    return any(some and some <= {*one.child_fields} for some in sets)


# Unique sets.


def _distinct(entity: Entity, pack: Pack) -> tuple[Entity, tuple[str, ...]]:
    """The entity with a unique field in each of its unique sets; and a set that has only enumerations, if one does."""
    referring = {name for one in pack.relationships if one.child == entity.name for name in one.child_fields}
    combination: tuple[str, ...] = ()
    changed: dict[str, Field] = {}
    sets = [names for names in (entity.key, *entity.uniques) if names]
    for names in sets:
        own = [one for one in (entity.field(name) for name in names) if one is not None and one.name not in referring]
        if not own or any(one.unique or one.name in changed for one in own):
            continue
        many = [one for one in own if not _choices(one) and not one.derived]
        if many:
            best = max(many, key=lambda one: one.type in (FieldType.IDENTIFIER, FieldType.TEXT))
            changed[best.name] = replace(best, unique=True)
        elif len(own) == len(names):
            combination = tuple(names)
    fields = tuple(changed.get(one.name, one) for one in entity.fields)
    return replace(entity, fields=fields), combination


def _space(entity: Entity, names: Sequence[str]) -> int:
    space = 1
    for name in names:
        found = entity.field(name)
        assert found is not None
        space *= len(_choices(found))
    return space


def _too_few(entity: str, names: Sequence[str], rows: int, space: int) -> None:
    fields = " and ".join(f"`{name}`" for name in names)
    raise ValuesTooFew(entity=entity, fields=fields, rows=f"{rows:,}", values=f"{space:,}")


# Cells.


def _cells(
    pack: Pack, counts: Mapping[str, int], rules: Sequence[Rule], derived: Sequence[Derived]
) -> tuple[frozenset[str], int, dict[str, Rows], dict[str, int]]:
    """The shared entities, the number of cells, their bounds, and for an entity the relationship that bounds it."""
    largest = max(counts.values())
    if largest <= CELL_ROWS:
        names, cells = list(counts), 1
        shared: frozenset[str] = frozenset()
    else:
        shared = frozenset(_shared(pack, counts, rules, derived))
        names = [name for name in counts if name not in shared]
        parents = [
            counts[one.parent]
            for one in pack.relationships
            if one.parent in names and one.required and counts[one.child]
        ]
        cells = max(1, min([-(-largest // CELL_ROWS), *parents]))
        if max((counts[name] for name in names), default=0) // cells > MOST_CELL_ROWS:
            few = min(
                (one.parent for one in pack.relationships if one.parent in names and one.required),
                key=counts.__getitem__,
            )
            raise TooManyTogether(entity=few, rows=f"{counts[few]:,}", most=f"{counts[few] * MOST_CELL_ROWS:,}")
    anchors: dict[str, int] = {}
    bounds: dict[str, Rows] = {}
    for name in parents_first(pack):
        if name not in names:
            continue
        of = [
            (index, one)
            for index, one in enumerate(pack.relationships)
            if one.child == name and one.parent in bounds and one.parent != name
        ]
        if of:
            anchors[name], anchor = max(of, key=lambda pair: _rank(pack, pair[1]))
            if _rank(pack, anchor)[0]:
                bounds[name] = bounds[anchor.parent] * counts[name] // max(counts[anchor.parent], 1)
                continue
        bounds[name] = np.arange(cells + 1, dtype=np.int64) * counts[name] // cells
    return shared, cells, bounds, anchors


def _rank(pack: Pack, one: Relationship) -> tuple[bool, bool, bool]:
    """How much depends on a relationship's numbers of children."""
    counted = bool(one.minimum) or one.maximum is not None or _single(pack, one)
    return counted and one.required, one.required, bool(one.child_name)


def _shared(pack: Pack, counts: Mapping[str, int], rules: Sequence[Rule], derived: Sequence[Derived]) -> Iterator[str]:
    small = {name for name, rows in counts.items() if rows <= SHARED_ROWS}
    folding = _folded(rules) | _folded(derived)
    changed = True
    while changed:
        changed = False
        for one in pack.relationships:
            bounded = bool(one.minimum) or one.maximum is not None or _single(pack, one)
            if one.parent in small and one.child not in small and (bounded or (one.parent, one.child_name) in folding):
                small.discard(one.parent)
                changed = True
            if one.child in small and one.parent not in small:
                small.discard(one.child)
                changed = True
    yield from small


# The order of entities.


def _order(pack: Pack, rules: Sequence[Rule], derived: Sequence[Derived], shared: frozenset[str]) -> tuple[str, ...]:
    """Shared entities first; what others are derived from before them; parents before children where rules ask."""
    names = [entity.name for entity in pack.entities]
    hard: dict[str, set[str]] = {name: set() for name in names}
    soft: dict[str, list[str]] = {name: [] for name in names}
    for one in derived:
        hard[one.entity] |= {entity for entity, _ in one.inputs if entity != one.entity}
    for rule in rules:
        own = any(entity == rule.entity for entity, _ in rule.columns)
        for column in columns(rule.compiled.typed):
            entity, _ = place_of(rule.schema, rule.entity, column)
            if column.scope and own and entity not in hard[rule.entity]:
                soft[entity].append(rule.entity)
            elif not column.scope and entity != rule.entity and rule.entity not in hard[entity]:
                soft[rule.entity].append(entity)
    done: list[str] = []
    parents = parents_first(pack)
    while len(done) < len(names):
        left = [name for name in names if name not in done]
        ready = [name for name in left if hard[name] <= {*done}]
        if not ready:
            raise DerivedInCircle(field=f"{left[0]}.{next(one.field.name for one in derived if one.entity in left)}")
        ready = [name for name in ready if name in shared] or ready
        done.append(min(ready, key=lambda name: (sum(1 for one in soft[name] if one not in done), parents.index(name))))
    return tuple(done)


# References.


def _references(
    pack: Pack,
    counts: Mapping[str, int],
    rules: Sequence[Rule],
    shared: frozenset[str],
    bounds: Mapping[str, Rows],
    anchors: Mapping[str, int],
) -> tuple[tuple[Reference, ...], dict[str, tuple[Reference, ...]]]:
    early: list[Reference] = []
    late: dict[str, tuple[Reference, ...]] = {}
    for name in parents_first(pack):
        entity = pack.entity(name)
        assert entity is not None
        indexes = [index for index, one in enumerate(pack.relationships) if one.child == name]
        equalities = list(_equalities(pack, name, rules))
        made = list(_of_entity(pack, entity, indexes, equalities, anchors.get(name)))
        for position, one in enumerate(made):
            most = [one.maximum] if one.maximum is not None else []
            most += [
                _fewest(other.relationship.parent, counts, shared, bounds)
                for other in made[position + 1 :]
                if one.index in other.beside
            ]
            made[position] = replace(one, maximum=min(most, default=None))
        by_value = [
            one for one in made if one.allowed or any(not _structural(pack, name, each) for each in one.equalities)
        ]
        begun = made.index(by_value[0]) if by_value else len(made)
        early += made[:begun]
        late[name] = tuple(made[begun:])
    return tuple(early), late


def _fewest(name: str, counts: Mapping[str, int], shared: frozenset[str], bounds: Mapping[str, Rows]) -> int:
    return counts[name] if name in shared else max(1, int(np.diff(bounds[name]).min()))


def _of_entity(
    pack: Pack, entity: Entity, indexes: Sequence[int], equalities: Sequence[Equality], anchor: int | None
) -> Iterator[Reference]:
    """The references of an entity's records, in the order in which they are assigned."""
    by_parent = {pack.relationships[index].parent_name: index for index in indexes}
    pending = list(indexes)
    done: list[int] = []
    while pending:
        index, means, source, needs = _following(pack, entity, pending, done, equalities, by_parent)
        one = pack.relationships[index]
        single = _single(pack, one)
        beside = tuple(_beside(pack, entity, one, done))
        bounded = bool(one.minimum) or one.maximum is not None or single
        if means is Means.FREE and not beside and (index == anchor or (bounded and not single)):
            means = Means.SPREAD
        yield Reference(
            index,
            one,
            means,
            one.required,
            one.minimum,
            1 if single else one.maximum,
            beside,
            tuple(needs),
            source,
            tuple(_allowed(entity, one, equalities)),
        )
        pending.remove(index)
        done.append(index)


def _following(
    pack: Pack,
    entity: Entity,
    pending: Sequence[int],
    done: Sequence[int],
    equalities: Sequence[Equality],
    by_parent: Mapping[str, int],
) -> tuple[int, Means, tuple[int, int] | None, list[Equality]]:
    """The next relationship to assign, and how."""
    own = {name: index for index in pending for name in pack.relationships[index].child_fields}
    for one in equalities:
        through = by_parent[one.parent.parents[0]]
        if through in done and not one.child.parents and one.child.name in own and len(one.parent.parents) == 1:
            index = own[one.child.name]
            further = _reference_of(pack, pack.relationships[through].parent, one.parent.name)
            if further is not None and pack.relationships[further].parent == pack.relationships[index].parent:
                return index, Means.COPY, (through, further), []
    for index in pending:
        name = pack.relationships[index].parent_name
        needs = [
            turned
            for one in equalities
            for turned in (one, *_turned(one))
            if turned.parent.parents[0] == name and _is_known(pack, entity, turned.child, done, by_parent)
        ]
        if needs:
            needs = [Equality(replace(one.parent, parents=one.parent.parents[1:]), one.child) for one in needs]
            return index, Means.LOOKUP, None, needs
    heads = {side.parents[0] for one in equalities for side in (one.parent, one.child) if side.parents}
    best = max(pending, key=lambda index: pack.relationships[index].parent_name in heads)
    return best, Means.FREE, None, []


def _turned(one: Equality) -> tuple[Equality, ...]:
    return (Equality(one.child, one.parent),) if one.child.parents else ()


def _is_known(pack: Pack, entity: Entity, column: Column, done: Sequence[int], by_parent: Mapping[str, int]) -> bool:
    """True if the column is known from the parents that are assigned."""
    if column.parents:
        return by_parent[column.parents[0]] in done
    return _reference_of(pack, entity.name, column.name) in done


def _reference_of(pack: Pack, entity: str, name: str) -> int | None:
    for index, one in enumerate(pack.relationships):
        if one.child == entity and name in one.child_fields:
            return index
    return None


def _beside(pack: Pack, entity: Entity, one: Relationship, done: Sequence[int]) -> Iterator[int]:
    """Earlier relationships that share a unique set with this one, if it is the last of the set."""
    for names in (entity.key, *entity.uniques):
        fields = {*names}
        if len(fields) < 2 or not {*one.child_fields} & fields or {*one.child_fields} >= fields:
            continue
        others = [index for index in done if {*pack.relationships[index].child_fields} & fields]
        covered = {*one.child_fields}.union(*(pack.relationships[index].child_fields for index in others))
        if others and fields <= covered:
            yield from others


def _allowed(
    entity: Entity, one: Relationship, equalities: Sequence[Equality]
) -> Iterator[tuple[Column, tuple[str, ...]]]:
    """Columns of the parent that equal an enumeration of the child, which a scenario may have narrowed."""
    for each in equalities:
        if each.parent.parents == (one.parent_name,) and not each.child.parents:
            found = entity.field(each.child.name)
            if found is not None and found.values and all(isinstance(value, str) for value in found.values):
                yield replace(each.parent, parents=()), tuple(str(value) for value in found.values)


def _equalities(pack: Pack, name: str, rules: Sequence[Rule]) -> Iterator[Equality]:
    """What rules of an entity ask of its parents: that a column of one equals another column."""
    names = {one.parent_name for one in pack.relationships if one.child == name and one.parent_name}
    for rule in rules:
        if rule.entity == name:
            for left, right in _equal_columns(rule.compiled.typed):
                if left.scope or right.scope:
                    continue
                if not left.parents:
                    left, right = right, left
                if left.parents and left.parents[0] in names and (not right.parents or right.parents[0] in names):
                    yield Equality(left, right)


def _equal_columns(part: Typed) -> Iterator[tuple[Column, Column]]:
    if isinstance(part, Apply):
        if part.operation in ("and", "or"):
            for one in part.arguments:
                yield from _equal_columns(one)
        elif part.operation == "choose":
            yield from _equal_columns(part.arguments[1])
        elif part.operation == "compare" and part.detail == "==":
            left, right = part.arguments
            if isinstance(left, Column) and isinstance(right, Column):
                yield left, right


def _structural(pack: Pack, entity: str, one: Equality) -> bool:
    """True if both sides are references or keys, which are known before any value."""
    return all(_is_link(pack, entity, column) for column in (one.parent, one.child))


def _is_link(pack: Pack, entity: str, column: Column) -> bool:
    for name in column.parents:
        entity = next(one.parent for one in pack.relationships if (one.child, one.parent_name) == (entity, name))
    return any(
        (one.child == entity and column.name in one.child_fields)
        or (one.parent == entity and column.name in one.parent_fields)
        for one in pack.relationships
    )


def _check_counts(plan: Plan) -> None:
    """Refuse numbers of rows that leave a parent with too few children, or a child without a parent."""
    for one in plan.references.values():
        relationship = one.relationship
        children, parents = plan.counts[relationship.child], plan.counts[relationship.parent]
        if relationship.parent == relationship.child:
            continue
        if relationship.minimum and children < parents * relationship.minimum:
            raise ChildrenTooFew(
                parent=relationship.parent,
                child=relationship.child,
                minimum=relationship.minimum,
                needed=f"{parents * relationship.minimum:,}",
                rows=f"{children:,}",
            )
        if one.required and one.maximum is not None and children > parents * one.maximum:
            raise ChildrenTooMany(
                parent=relationship.parent,
                child=relationship.child,
                maximum=f"{one.maximum:,}",
                most=f"{parents * one.maximum:,}",
                rows=f"{children:,}",
            )
