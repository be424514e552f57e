"""Sample rows: types, bounds, enumerations, keys, references and rules that hold, each with its support."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.enricher.discovery.links import Link, relationship
from services.enricher.discovery.model import Found, NotRead, Sample
from services.enricher.discovery.names import unique_name
from services.enricher.discovery.samples.bounds import Bounds, bounds_of
from services.enricher.discovery.samples.columns import Column, column, inferred
from services.enricher.discovery.samples.keys import is_unique, key_of, proposals
from services.enricher.discovery.samples.rules import Proposal, rules_of
from services.enricher.discovery.samples.tables import Family, Table, is_code, naming, owners
from shared.model.packs.model import Entity, Field, FieldType, Relationship, Rule, Support
from shared.rules.printer import show
from shared.rules.syntax import Comparison, Literal, Logic, Member, Node, Path

_SAMPLED = "sample rows"
"""Where a rule comes from that sample rows suggest."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """What sample rows add to what is declared."""

    entities: tuple[Entity, ...]
    relationships: tuple[Relationship, ...]
    rules: tuple[Rule, ...]
    not_read: tuple[NotRead, ...]


def suggest(found: Found) -> Suggested:
    """Entities of samples that nothing declares, references that nothing declares, and rules between columns.

    found: what all files have together.
    """
    declared = {entity.name: entity for entity in found.entities}
    not_read: list[NotRead] = []
    tables = {sample.entity: _table(sample, declared.get(sample.entity), not_read) for sample in _joined(found.samples)}
    entities = dict(declared)
    known = {*declared, *tables}
    bounds = {name: _bounds(table, declared.get(name), found.relationships) for name, table in tables.items()}
    for sample in found.samples:
        if sample.entity not in entities:
            entities[sample.entity] = _entity(tables[sample.entity], bounds[sample.entity], sample, known)
    relationships = list(found.relationships)
    linked = [(one.child, name) for one in relationships for name in one.child_fields]
    for link in proposals(entities, tables, linked):
        relationships.append(relationship(link, entities, relationships))
    tables = {name: _naming(table, entities[name], relationships) for name, table in tables.items()}
    rules = {rule.id: rule for rule in found.rules}
    for name, table in tables.items():
        _add(rules, rules_of(table, _families(table, tables, relationships)))
        if name in declared:
            _add(rules, _of_bounds(table, bounds[name], declared[name]))
    return Suggested(
        tuple(entities.values()),
        tuple(relationships),
        tuple(rules.values()),
        tuple(not_read),
    )


def _joined(samples: Iterable[Sample]) -> Iterable[Sample]:
    """The samples, those of one entity and the same columns put together."""
    by_entity: dict[str, Sample] = {}
    for sample in samples:
        first = by_entity.get(sample.entity)
        if first is None:
            by_entity[sample.entity] = sample
            continue
        length, more = len(next(iter(first.columns.values()))), len(next(iter(sample.columns.values())))
        names = dict.fromkeys([*first.columns, *sample.columns])
        columns = {
            name: [*first.columns.get(name, [None] * length), *sample.columns.get(name, [None] * more)]
            for name in names
        }
        by_entity[sample.entity] = replace(first, columns=columns)
    return by_entity.values()


def _table(sample: Sample, declared: Entity | None, not_read: list[NotRead]) -> Table:
    columns: dict[str, Column] = {}
    rows = len(next(iter(sample.columns.values())))
    for name, cells in sample.columns.items():
        field = declared.field(name) if declared else None
        if declared is not None and field is None:
            not_read.append(
                NotRead(sample.place, name, f"{declared.name} has no field {name}, so its samples are left out.")
            )
            continue
        if field is not None and (field.type is FieldType.JSON or field.format == "binary"):
            continue
        kind = field.type if field else _kind(name, cells, typed=sample.typed)
        made = column(name, cells, kind) or (None if field else column(name, cells, FieldType.TEXT))
        if made is None:
            reason = f"Some of its samples are no {field.type if field else 'text'} that can be compared exactly."
            not_read.append(NotRead(sample.place, name, reason))
            continue
        columns[name] = made
    return Table(sample.entity, rows, columns, frozenset(name for name in columns if naming(name)))


def _kind(name: str, cells: Sequence[object], *, typed: bool) -> FieldType:
    return FieldType.TEXT if not typed and is_code(name) else inferred(cells, typed=typed)


def _naming(table: Table, entity: Entity, relationships: Sequence[Relationship]) -> Table:
    """The table, knowing which columns are keys and references."""
    names = {*entity.key, *(name for some in entity.uniques for name in some)}
    for one in relationships:
        names |= set(one.child_fields) if one.child == entity.name else set()
        names |= set(one.parent_fields) if one.parent == entity.name else set()
    return replace(table, naming=table.naming | (names & set(table.columns)))


def _bounds(table: Table, declared: Entity | None, relationships: Sequence[Relationship]) -> dict[str, Bounds]:
    table = _naming(table, declared, relationships) if declared else table
    return {name: bounds_of(one, names=name in table.naming) for name, one in table.columns.items()}


def _entity(table: Table, bounds: Mapping[str, Bounds], sample: Sample, known: Collection[str]) -> Entity:
    """The entity of sample rows that nothing declares."""
    key = key_of(table, known)
    fields = []
    for name, one in table.columns.items():
        found = bounds[name]
        length = found.length
        fields.append(
            Field(
                name,
                one.type,
                nullable=found.nullable and name not in key,
                unique=is_unique(one) and key != (name,),
                minimum=found.minimum,
                exclusive_minimum=found.exclusive_minimum,
                maximum=found.maximum,
                min_length=length or 0,
                max_length=length,
                format=found.format,
                scale=one.scale if one.type is FieldType.NUMBER else None,
                values=found.values,
                support=Support(len(one.values), one.rows),
            )
        )
    return Entity(table.entity, "", tuple(fields), key, origin=sample.place)


def _families(table: Table, tables: Mapping[str, Table], relationships: Sequence[Relationship]) -> list[Family]:
    families = []
    for one in relationships:
        child = tables.get(one.child)
        if one.parent != table.entity or child is None or one.child == one.parent:
            continue
        owner = owners(child, one.child_fields, table, one.parent_fields)
        if owner is not None:
            families.append(Family(table, child, one.child_name, owner))
    return families


def _of_bounds(table: Table, bounds: Mapping[str, Bounds], declared: Entity) -> Iterable[Proposal]:
    """What samples say of fields that are declared: rules, because the fields themselves say what is declared."""
    for name, found in bounds.items():
        field, one = declared.field(name), table.columns[name]
        assert field is not None
        support = Support(len(one.values), len(one.values))
        path = Path((name,))
        if found.values and not field.values:
            items = tuple(_literal(value) for value in found.values)
            yield Proposal(
                table.entity,
                f"{name}_values",
                f"{name} is one of {len(items)} values",
                Member(path, items, negated=False),
                support,
            )
            continue
        sides: list[Node] = []
        said = []
        if _stricter(found.minimum, field.minimum):
            sides.append(Comparison(">" if found.exclusive_minimum else ">=", path, _literal(found.minimum)))
            said.append(f"{'more than' if found.exclusive_minimum else 'at least'} {found.minimum}")
        if found.maximum is not None and (field.maximum is None or _stricter(field.maximum, found.maximum)):
            sides.append(Comparison("<=", path, _literal(found.maximum)))
            said.append(f"at most {found.maximum}")
        if sides:
            node = sides[0] if len(sides) == 1 else Logic("and", sides[0], sides[1])
            yield Proposal(table.entity, f"{name}_bounds", f"{name} is {' and '.join(said)}", node, support)


def _stricter(greater: object, less: object) -> bool:
    """True if a bound is greater than the other, or the other does not exist."""
    if not isinstance(greater, int | float):
        return False
    return not isinstance(less, int | float) or greater > less


def _literal(value: object) -> Literal:
    assert isinstance(value, int | float | str)
    return Literal(value)


def _add(rules: dict[str, Rule], proposed: Iterable[Proposal]) -> None:
    for one in proposed:
        rule_id = unique_name(f"{one.entity}_{one.name}", rules)
        rules[rule_id] = Rule(
            rule_id,
            one.entity,
            f"{one.words}.",
            expression=show(one.expression),
            proposed=True,
            support=one.support,
            origin=_SAMPLED,
        )


__all__ = ["Link", "Suggested", "suggest"]
