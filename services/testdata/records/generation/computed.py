"""Fields that a rule computes: `total == sum(items.price)` gives the total, so that field is derived."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from services.testdata.records.generation.rules import Place, columns, place_of
from shared.model.packs.expressions import rule_schema
from shared.model.packs.model import Pack
from shared.model.packs.values import ORDERED
from shared.rules.checker import Compiled, check
from shared.rules.printer import show
from shared.rules.schema import Schema
from shared.rules.syntax import Arithmetic, Call, Comparison, Node, Path, every_part


def with_computed(pack: Pack) -> Pack:
    """The pack with the fields derived that its rules compute from others, where nothing goes in a circle."""
    schema = rule_schema(pack)
    fixed = {(one.child, name) for one in pack.relationships for name in one.child_fields}
    fixed |= {(entity.name, name) for entity in pack.entities for name in entity.key}
    inputs: dict[Place, frozenset[Place]] = {
        (entity.name, of.name): _inputs(of.derived, schema, entity.name, of.name)
        for entity in pack.entities
        for of in entity.fields
        if of.derived
    }
    found: dict[Place, str] = {}
    for rule in pack.rules:
        for field, expression in _computes(rule.expression, schema, rule.entity):
            place = (rule.entity, field)
            entity = pack.entity(rule.entity)
            of = entity and entity.field(field)
            if not of or of.type not in ORDERED or of.values or of.unique or place in fixed or place in inputs:
                continue
            read = _inputs(expression, schema, rule.entity, field)
            if read and not _in_circle(place, read, inputs):
                inputs[place], found[place] = read, expression
                break
    entities = tuple(
        replace(
            entity,
            fields=tuple(
                replace(one, derived=found[entity.name, one.name], nullable=False)
                if (entity.name, one.name) in found
                else one
                for one in entity.fields
            ),
        )
        for entity in pack.entities
    )
    return replace(pack, entities=entities) if found else pack


def _computes(source: str, schema: Schema, entity: str) -> list[tuple[str, str]]:
    """The fields that a rule says are equal to a computation, each with that."""
    if "==" not in source:
        return []
    checked = check(source, schema, entity)
    if not isinstance(checked, Compiled) or not isinstance(checked.syntax, Comparison):
        return []
    if checked.syntax.operator != "==":
        return []
    sides = (checked.syntax.left, checked.syntax.right)
    return [
        (one.names[0], show(other))
        for one, other in (sides, sides[::-1])
        if isinstance(one, Path) and len(one.names) == 1 and _is_computation(other)
    ]


def _is_computation(part: Node) -> bool:
    return isinstance(part, Arithmetic | Call) and any(isinstance(one, Path) for one in every_part(part))


def _inputs(expression: str, schema: Schema, entity: str, field: str) -> frozenset[Place]:
    """The fields that an expression reads; empty if it does not give values of the field."""
    checked = check(expression, schema, entity, schema.entities[entity].columns[field])
    if not isinstance(checked, Compiled):
        return frozenset()
    return frozenset(place_of(schema, entity, one) for one in columns(checked.typed) if one.name)


def _in_circle(place: Place, read: Iterable[Place], inputs: Mapping[Place, frozenset[Place]]) -> bool:
    """True if the field would be derived from itself, or its entity from entities that are derived from it."""
    seen, pending = set[Place](), [*read]
    while pending:
        one = pending.pop()
        if one == place:
            return True
        if one not in seen:
            seen.add(one)
            pending += inputs.get(one, ())
    needs: dict[str, set[str]] = {}
    for (entity, _), some in (*inputs.items(), (place, read)):
        needs.setdefault(entity, set()).update(name for name, _ in some if name != entity)
    reached, left = set[str](), [*needs.get(place[0], ())]
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += needs.get(name, ())
    return place[0] in reached
