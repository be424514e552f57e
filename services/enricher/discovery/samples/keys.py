"""Keys and references that names and sample rows suggest."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from services.enricher.discovery.links import Link
from services.enricher.discovery.names import singular, words
from services.enricher.discovery.samples.columns import Column
from services.enricher.discovery.samples.statistics import FEW, meeting
from services.enricher.discovery.samples.tables import Table, naming
from shared.model.packs.model import Entity, FieldType, Support

_UNIQUE = frozenset({"email", "username", "login", "slug", "uuid", "guid", "sku", "isbn"})
_GENERIC = frozenset({"id", "key", "code", "uuid", "guid", "no", "nr", "number"})
_MOST_REFERENCES = 6
_MEETINGS = 14
"""Rows that share all columns of a key, expected if its columns had nothing to do with each other: e^-14 < 10^-6."""


def is_unique(column: Column) -> bool:
    """True if a column is unique by its values and by its name; values alone would call many measures unique."""
    return bool(_UNIQUE & set(words(column.name)[-1:])) and _differ(column)


def _differ(column: Column) -> bool:
    return len(column.values) >= FEW and len(column.counts[0]) == len(column.values)


def key_of(table: Table, entities: Collection[str]) -> tuple[str, ...]:
    """The columns that identify a row: one whose name says so, or two references that do together.

    entities: the names of all entities; a column that names another of them is no key of its own.
    """
    full = [one for one in table.columns.values() if one.present.all() and one.rows >= FEW]
    entity = _singular(table.entity)
    others = {_singular(name) for name in entities} - {entity}
    own = [
        one
        for one in full
        if one.type is not FieldType.NUMBER
        and _of_entity(words(one.name), entity)
        and _singular(one.name)[:-1] not in others
    ]
    for one in sorted(own, key=lambda one: len(words(one.name))):
        if _differ(one):
            return (one.name,)
    references = [one for one in full if naming(one.name)][:_MOST_REFERENCES]
    for one, other in combinations(references, 2):
        rows = set(zip(one.values.tolist(), other.values.tolist(), strict=True))
        expected = table.rows * (table.rows - 1) / 2 * meeting(one.counts[1]) * meeting(other.counts[1])
        if len(rows) == table.rows and expected > _MEETINGS:
            return one.name, other.name
    return ()


def _singular(name: str) -> tuple[str, ...]:
    return tuple(singular(word) for word in words(name))


def _of_entity(name: tuple[str, ...], entity: tuple[str, ...]) -> bool:
    """True if a name is that of the key of an entity: `id`, `customer_id`, and `line_id` of an `invoice_line`."""
    if not name or name[-1] not in _GENERIC:
        return False
    said = tuple(map(singular, name[:-1]))
    return said == () or said == entity[len(entity) - len(said) :]


def proposals(
    entities: Mapping[str, Entity], tables: Mapping[str, Table], linked: Sequence[tuple[str, str]]
) -> Iterator[Link]:
    """References that nothing declares. linked: (child, field) of declared ones, whose entities get no proposals.

    A field refers to another entity if its name ends with that entity's name and key, such as `customer_id` of a
    `customer` with the key `id` or `customer_id`, if both have one type, and, where there are sample rows of both, if
    every value occurs in the parent. If several entities fit, none is proposed.
    """
    declared = {child for child, _ in linked}
    for entity in entities.values():
        if entity.name in declared:
            continue
        for field in entity.fields:
            fitting = [
                link
                for parent in entities.values()
                if (link := _fitting(entity, field.name, parent, tables)) is not None
            ]
            if len(fitting) == 1:
                yield fitting[0]


def _fitting(child: Entity, name: str, parent: Entity, tables: Mapping[str, Table]) -> Link | None:
    key = parent.key or _named_key(parent, tables.get(parent.name))
    if len(key) != 1 or (child.name == parent.name and key == (name,)):
        return None
    ours, theirs = child.field(name), parent.field(key[0])
    if ours is None or theirs is None or ours.type is not theirs.type or not _names(words(name), parent, words(key[0])):
        return None
    if child.key == (name,) and child.name != parent.name and len(words(name)) == 1:
        return None
    support, how = None, "names"
    if child.name in tables and parent.name in tables:
        mine, its = tables[child.name].columns.get(name), tables[parent.name].columns.get(key[0])
        if mine is not None and its is not None:
            known = set(its.values.tolist())
            held = sum(value in known for value in mine.values.tolist())
            if held < len(mine.values) or held == 0:
                return None
            support, how = Support(held, len(mine.values)), "names and values"
    return Link(child.name, (name,), parent.name, key, origin=how, proposed=True, support=support)


def _named_key(parent: Entity, table: Table | None) -> tuple[str, ...]:
    """The field that names say is the key of an entity without one; rows, even a few, must not contradict."""
    entity = _singular(parent.name)
    for field in parent.fields:
        one = table.columns.get(field.name) if table else None
        if _of_entity(words(field.name), entity) and (one is None or len(one.counts[0]) == one.rows):
            return (field.name,)
    return ()


def _names(name: tuple[str, ...], parent: Entity, key: tuple[str, ...]) -> bool:
    """True if the words of a field say the parent and its key."""
    entity = _singular(parent.name)
    own, said = tuple(map(singular, key)), tuple(map(singular, name))
    short = own[len(entity) :] if own[: len(entity)] == entity else own
    if not short or short[-1] not in _GENERIC:
        return said == own and len(own) > 1
    return said[-len(entity) - len(short) :] == (*entity, *short)
