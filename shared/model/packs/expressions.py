"""The expressions of a pack: the schema that they are checked against, and what is wrong with them."""

from collections.abc import Iterator, Mapping

from shared.model.packs.faults import Fault, Path
from shared.model.packs.model import Entity, Field, FieldType, Pack
from shared.model.work_budget import TooMuchWork, work_budget
from shared.rules import schema as rules
from shared.rules.checker import Compiled, check, columns_of
from shared.rules.schema import Kind, Type

MAX_EXPRESSIONS = 500_000
"""The most characters of all expressions of a pack together; a character takes up to 50 microseconds to check."""

_KINDS: Mapping[FieldType, Kind] = {kind: Kind(kind.value) for kind in FieldType}


def rule_schema(pack: Pack) -> rules.Schema:
    """What the rules of a pack are checked against: its columns, and its relationships by name."""
    children: dict[str, dict[str, str]] = {}
    parents: dict[str, dict[str, str]] = {}
    for one in pack.relationships:
        if one.child_name:
            children.setdefault(one.parent, {})[one.child_name] = one.child
        if one.parent_name:
            parents.setdefault(one.child, {})[one.parent_name] = one.parent
    names = {entity.name for entity in pack.entities}
    return rules.Schema(
        {
            entity.name: rules.Entity(
                {field.name: column_type(entity, field) for field in entity.fields},
                _known(children.get(entity.name, {}), names),
                _known(parents.get(entity.name, {}), names),
            )
            for entity in pack.entities
        }
    )


def column_type(entity: Entity, field: Field) -> Type:
    """The type of a field's column.

    Money whose currency is in another field is not comparable with other money, unless that field has one value only.
    """
    values = tuple(value for value in field.values if isinstance(value, str))
    match field.type:
        case FieldType.MONEY:
            return Type(Kind.MONEY, currency=_currency(entity, field))
        case FieldType.TEXT if len(values) == len(field.values):
            return Type(Kind.TEXT, values=values)
        case FieldType.IDENTIFIER:
            whole = [
                value for value in (*field.values, field.minimum, field.maximum, field.example) if value is not None
            ]
            return Type(Kind.IDENTIFIER, integer=bool(whole) and all(isinstance(value, int) for value in whole))
        case other:
            return Type(_KINDS[other])


def _currency(entity: Entity, field: Field) -> str:
    of = entity.field(field.currency)
    if of is None:
        return field.currency
    return str(of.values[0]) if len(of.values) == 1 else f"the currency of {entity.name}.{of.name}"


def _known(named: Mapping[str, str], entities: set[str]) -> dict[str, str]:
    return {name: entity for name, entity in named.items() if entity in entities}


def check_expressions(pack: Pack) -> Iterator[Fault]:
    """What is wrong with the rules and derived fields of a pack, with the offset of each problem."""
    size = sum(len(rule.expression) for rule in pack.rules)
    size += sum(len(field.derived) for entity in pack.entities for field in entity.fields)
    if size > MAX_EXPRESSIONS:
        yield Fault(("rules",), f"All expressions have {size:,} characters; up to {MAX_EXPRESSIONS:,} are allowed.")
        return
    schema = rule_schema(pack)
    for rule in pack.rules:
        if rule.expression and rule.entity in schema.entities:
            checked = _checked(rule.expression, schema, rule.entity, rules.BOOLEAN, ("rules", rule.id, "expression"))
            if not isinstance(checked, Compiled):
                yield from checked
    for entity in pack.entities:
        needs: dict[str, list[str]] = {}
        for field in entity.fields:
            if not field.derived:
                continue
            path = ("entities", entity.name, "fields", field.name, "derived")
            if field.type is FieldType.JSON:
                yield Fault(path, "A field that is json cannot be derived; give it another type.")
                continue
            checked = _checked(field.derived, schema, entity.name, column_type(entity, field), path)
            if isinstance(checked, Compiled):
                needs[field.name] = [name for name, *rest in columns_of(checked) if not rest]
            else:
                yield from checked
        yield from _check_order(entity, needs)


def _checked(source: str, schema: rules.Schema, entity: str, result: Type, path: Path) -> Compiled | tuple[Fault, ...]:
    try:
        with work_budget():
            checked = check(source, schema, entity, result)
    except TooMuchWork:
        return (Fault(path, "The expression is too long to be checked; make it shorter.", 0),)
    if isinstance(checked, Compiled):
        return checked
    return tuple(Fault(path, one.sentence, _offset(source, one.line, one.column)) for one in checked)


def _offset(source: str, line: int, column: int) -> int:
    return sum(len(one) + 1 for one in source.split("\n")[: line - 1]) + column - 1


def _check_order(entity: Entity, needs: Mapping[str, list[str]]) -> Iterator[Fault]:
    """No derived field needs itself."""
    for start in needs:
        reached, pending = set[str](), [*needs[start]]
        while pending:
            name = pending.pop()
            if name not in reached:
                reached.add(name)
                pending += needs.get(name, ())
        if start in reached:
            path = ("entities", entity.name, "fields", start, "derived")
            yield Fault(path, f"`{start}` is derived from itself; derive it from other fields.", 0)
