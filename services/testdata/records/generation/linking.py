"""Decides how the references of records are assigned, and in which order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from services.testdata.records.generation.participants import few_values, only_child, parents_first, unique_sets
from services.testdata.records.generation.references import Equality, Means, Reference
from services.testdata.records.generation.rules import Rule
from services.testdata.records.tables import Rows
from shared.model.packs.model import Entity, Pack, Relationship
from shared.rules.syntax import LARGEST
from shared.rules.typed import Apply, Column, Typed


def assigned(
    pack: Pack,
    counts: Mapping[str, int],
    rules: Sequence[Rule],
    shared: frozenset[str],
    bounds: Mapping[str, Rows],
    anchors: Mapping[str, int],
) -> tuple[tuple[Reference, ...], dict[str, tuple[Reference, ...]]]:
    """The references that need no values, in order; and by entity those that need some, which are assigned later.

    bounds: for entities that are not shared, the first row of each cell, and the end. anchors: by entity, the index
    of the relationship that its bounds follow.
    """
    early: list[Reference] = []
    late: dict[str, tuple[Reference, ...]] = {}
    for name in parents_first(pack):
        entity = pack.entity(name)
        assert entity is not None
        indexes = [index for index, one in enumerate(pack.relationships) if one.child == name]
        equalities = list(_equalities(pack, name, rules))
        made = list(_of_entity(pack, entity, indexes, equalities, rules, anchors.get(name)))
        for position, one in enumerate(made):
            most = [one.maximum] if one.maximum is not None else []
            most += [
                (_fewest(other.relationship.parent, counts, shared, bounds) - len(other.apart)) * other.times
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
    pack: Pack,
    entity: Entity,
    indexes: Sequence[int],
    equalities: Sequence[Equality],
    rules: Sequence[Rule],
    anchor: int | None,
) -> Iterator[Reference]:
    """The references of an entity's records, in the order in which they are assigned."""
    by_parent = {pack.relationships[index].parent_name: index for index in indexes}
    unequal = list(_unequal(pack, entity.name, indexes, rules))
    # Of two parents that must differ, the second is free.
    pending = sorted(indexes, key=lambda index: bool(unequal) and index != anchor)
    done: list[int] = []
    while pending:
        index, means, source, needs = _following(pack, entity, pending, done, equalities, by_parent)
        one = pack.relationships[index]
        single = only_child(pack, one)
        beside, times = _beside(pack, entity, index, done)
        most = [1 if single else None, one.maximum, _most(pack, entity, index)]
        maximum = min((each for each in most if each is not None), default=None)
        apart = tuple(other for pair in unequal if index in pair for other in pair if other != index and other in done)
        bounded = bool(one.minimum) or maximum is not None
        if means is Means.FREE and not beside and (index == anchor or (bounded and not single)):
            means = Means.SPREAD
        yield Reference(
            index,
            one,
            means,
            one.required,
            one.minimum,
            maximum,
            beside,
            times,
            apart,
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
        for wide in done:
            further = _same_fields(pack, pack.relationships[wide], pack.relationships[index])
            if further is not None:
                return index, Means.COPY, (wide, further), []
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
    best = max(
        pending,
        key=lambda index: (
            any(
                _same_fields(pack, pack.relationships[index], pack.relationships[other]) is not None
                for other in pending
            ),
            pack.relationships[index].parent_name in heads,
        ),
    )
    return best, Means.FREE, None, []


def _same_fields(pack: Pack, wide: Relationship, one: Relationship) -> int | None:
    """The relationship of `wide`'s parent that leads to the parents of `one`, by the fields that both have."""
    if not {*one.child_fields} < {*wide.child_fields}:
        return None
    above = dict(zip(wide.child_fields, wide.parent_fields, strict=True))
    for index, other in enumerate(pack.relationships):
        same = (other.child, other.parent, other.parent_fields) == (wide.parent, one.parent, one.parent_fields)
        if same and other.child_fields == tuple(above[name] for name in one.child_fields):
            return index
    return None


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


def _beside(pack: Pack, entity: Entity, index: int, done: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Earlier relationships that share a unique set with this one, if it is the last of the set; and how many records
    may have the same parents, because other fields of the set differ.
    """
    others: list[int] = []
    times = LARGEST
    for found in unique_sets(pack, entity):
        if index not in found.references or len(found.references) < 2 or not found.is_few(entity):
            continue
        if {*found.references} <= {*done, index}:
            others += [one for one in found.references if one != index]
            times = min(times, found.space(entity))
    return tuple(dict.fromkeys(others)), times


def _most(pack: Pack, entity: Entity, index: int) -> int | None:
    """The most children of a parent, if the other fields of a unique set have few values."""
    spaces = [
        found.space(entity)
        for found in unique_sets(pack, entity)
        if found.references == (index,) and found.fields and found.is_few(entity)
    ]
    return min(spaces, default=None)


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
    """What rules of an entity ask of its parents: that a column of one equals another column.

    A field of many values takes the value of the parent, so no parent is chosen for it.
    """
    names = {one.parent_name for one in pack.relationships if one.child == name and one.parent_name}
    for rule in rules:
        if rule.entity == name:
            for left, right in _equal_columns(rule.compiled.typed):
                if left.scope or right.scope:
                    continue
                if not left.parents:
                    left, right = right, left
                if _takes_any_value(pack, name, right):
                    continue
                if left.parents and left.parents[0] in names and (not right.parents or right.parents[0] in names):
                    yield Equality(left, right)


def _takes_any_value(pack: Pack, name: str, column: Column) -> bool:
    """True for a field of the entity itself that is no reference or key, is not derived and has many values."""
    entity = pack.entity(name)
    found = None if entity is None or column.parents else entity.field(column.name)
    return not (found is None or found.derived or few_values(found) or _is_link(pack, name, column))


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


def _unequal(pack: Pack, entity: str, indexes: Sequence[int], rules: Sequence[Rule]) -> Iterator[tuple[int, int]]:
    """Two relationships of an entity to the same parents that must differ, as `sender != recipient` says."""
    by_field = {pack.relationships[index].child_fields: index for index in indexes}
    for rule in rules:
        for part in _conditions(rule.compiled.typed) if rule.entity == entity else ():
            if part.operation == "compare" and part.detail == "!=":
                sides = [one for one in part.arguments if isinstance(one, Column) and not one.scope + one.parents]
                found = [by_field[one.name,] for one in sides if (one.name,) in by_field]
                if len(found) == 2 and len({pack.relationships[index].parent for index in found}) == 1:
                    yield found[0], found[1]


def _conditions(part: Typed) -> Iterator[Apply]:
    """What must hold for an expression to hold, as far as `and` joins it."""
    if isinstance(part, Apply) and part.operation == "and":
        for one in part.arguments:
            yield from _conditions(one)
    elif isinstance(part, Apply):
        yield part


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
