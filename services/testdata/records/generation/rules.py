"""The rules of a pack as generation reads them: with their columns, and with what is not known yet left open."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from shared.model.packs.expressions import column_type, rule_schema
from shared.model.packs.model import Entity, Field, Pack, Severity
from shared.model.packs.values import ORDERED, read_value
from shared.rules import operators
from shared.rules.checker import Compiled, check
from shared.rules.literals import stored
from shared.rules.schema import BOOLEAN, Kind, Schema, Type
from shared.rules.syntax import Duration
from shared.rules.typed import Apply, Column, Constant, Fold, Given, Scope, Spread, Typed, applied, every_typed

Path = tuple[str, ...]
"""A column after the children and parents that lead to it, as `columns_of` gives it."""
Place = tuple[str, str]
"""An entity and one of its fields."""


@dataclass(frozen=True, eq=False)
class Needs:
    """What expressions read. own: columns of their entity. below: of its children and parents, by their names."""

    own: Mapping[str, Type]
    below: Mapping[str, "Needs"]


def needs_of(parts: Iterable[Typed]) -> Needs:
    """What some expressions about an entity read."""
    paths: dict[Path, Type] = {}
    for part in parts:
        for one in every_typed(part):
            if isinstance(one, Column):
                paths[(*one.scope, *one.parents, one.name)] = one.type
            elif one.scope:
                paths[(*one.scope, "")] = one.type
    return _needs(paths)


def _needs(paths: Mapping[Path, Type]) -> Needs:
    below: dict[str, dict[Path, Type]] = {}
    for (name, *rest), type_ in paths.items():
        if rest:
            below.setdefault(name, {})[tuple(rest)] = type_
    own = {path[0]: type_ for path, type_ in paths.items() if len(path) == 1 and path[0]}
    return Needs(own, {name: _needs(inside) for name, inside in below.items()})


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule of an entity, or the bounds of a derived field.

    id: of the rule in the pack; of bounds, the entity and the field, such as `order.total`.
    """

    id: str
    entity: str
    text: str
    severity: Severity
    compiled: Compiled
    schema: Schema

    @cached_property
    def columns(self) -> Mapping[Place, tuple[Column, ...]]:
        """The fields that it reads, each with its columns."""
        found: dict[Place, tuple[Column, ...]] = {}
        for column in columns(self.compiled.typed):
            if column.name:
                place = place_of(self.schema, self.entity, column)
                found[place] = (*found.get(place, ()), column)
        return found

    @cached_property
    def needs(self) -> Needs:
        """What it reads."""
        return needs_of([self.compiled.typed])

    @cached_property
    def counted(self) -> frozenset[Path]:
        """The children that it only counts."""
        return frozenset(column.scope for column in columns(self.compiled.typed) if not column.name)


@dataclass(frozen=True, eq=False)
class Derived:
    """A field whose value an expression gives."""

    entity: str
    field: Field
    compiled: Compiled
    schema: Schema

    @cached_property
    def inputs(self) -> frozenset[Place]:
        """The fields that it is derived from."""
        named = (column for column in columns(self.compiled.typed) if column.name)
        return frozenset(place_of(self.schema, self.entity, column) for column in named)

    @cached_property
    def needs(self) -> Needs:
        """What it reads."""
        return needs_of([self.compiled.typed])


def columns(typed: Typed) -> Iterator[Column]:
    """The columns in an expression."""
    return (part for part in every_typed(typed) if isinstance(part, Column))


def place_of(schema: Schema, entity: str, column: Column) -> Place:
    """The entity and the field of a column in a rule about `entity`."""
    for child in column.scope:
        entity = schema.entities[entity].children[child]
    for parent in column.parents:
        entity = schema.entities[entity].parents[parent]
    return entity, column.name


def numbered_schema(pack: Pack, linked: frozenset[Place]) -> Schema:
    """The schema of the pack's rules; identifiers that refer to records are numbers of rows, which compare faster."""
    schema = rule_schema(pack)
    entities = {}
    for name, entity in schema.entities.items():
        types = {
            field: replace(type_, integer=True) if type_.kind is Kind.IDENTIFIER and (name, field) in linked else type_
            for field, type_ in entity.columns.items()
        }
        entities[name] = replace(entity, columns=types)
    return replace(schema, entities=entities)


def read_rules(pack: Pack, whole: Pack, linked: frozenset[Place]) -> tuple[list[Rule], list[Derived]]:
    """The rules with an expression, the bounds of derived fields as rules, and the derived fields.

    whole: the pack before a scenario narrowed its fields: rules may name values that do not occur in the scenario.
    """
    numbered, plain = numbered_schema(whole, linked), rule_schema(whole)
    derived: list[Derived] = []
    rules: list[Rule] = []
    for entity in pack.entities:
        for field in entity.fields:
            if field.derived:
                result = plain.entities[entity.name].columns[field.name]
                compiled = _compiled(field.derived, entity.name, result, numbered, plain)
                derived.append(Derived(entity.name, field, compiled, plain))
                rules += bounds_of(entity, field, plain)
                if not field.nullable and _may_lack(compiled.typed):
                    rules.append(_with_value(entity, field, plain))
    for rule in pack.rules:
        if rule.expression:
            compiled = _compiled(rule.expression, rule.entity, BOOLEAN, numbered, plain)
            rules.append(Rule(rule.id, rule.entity, rule.text, rule.severity, compiled, plain))
    by_place = {(one.entity, one.field.name): one for one in derived}
    return [_without_derived(rule, by_place) for rule in rules], derived


def _without_derived(rule: Rule, derived: Mapping[Place, Derived]) -> Rule:
    """The rule with the expressions of derived fields in their place, where its record or children have them."""

    def replaced(part: Typed) -> Typed:
        match part:
            case Column() if part.name and not part.parents:
                found = derived.get(place_of(rule.schema, rule.entity, part))
                return replaced(_below(found.compiled.typed, part.scope)) if found else part
            case Spread():
                return replace(part, operand=replaced(part.operand))
            case Fold():
                return replace(part, argument=replaced(part.argument))
            case Apply():
                return replace(part, arguments=tuple(map(replaced, part.arguments)))
            case _:
                return part

    return replace(rule, compiled=replace(rule.compiled, typed=replaced(rule.compiled.typed)))


def _below(part: Typed, scope: Scope) -> Typed:
    """An expression of children as the record of the rule has it."""
    if not scope:
        return part
    below = part.scope if isinstance(part, Constant | Given) else (*scope, *part.scope)
    match part:
        case Spread():
            return replace(part, operand=_below(part.operand, scope), scope=below)
        case Fold():
            return replace(part, argument=_below(part.argument, scope), scope=below)
        case Apply():
            return replace(part, arguments=tuple(_below(one, scope) for one in part.arguments), scope=below)
        case Column():
            return replace(part, scope=below)
        case _:
            return part


def _compiled(source: str, entity: str, result: Type, *schemas: Schema) -> Compiled:
    for schema in schemas:
        if schema is not schemas[-1] and result.kind is Kind.IDENTIFIER:
            continue
        checked = check(source, schema, entity, result)
        if isinstance(checked, Compiled):
            return checked
    raise AssertionError(f"a rule of a checked pack is wrong: {checked}")


def bounds_of(entity: Entity, field: Field, schema: Schema) -> Iterator[Rule]:
    """What the bounds of a field ask of its value, as rules."""
    column = Column((), (), field.name, column_type(entity, field), (0, 0))
    if field.type not in ORDERED:
        return
    for bound, exclusive, operator in (
        (field.minimum, field.exclusive_minimum, ">"),
        (field.maximum, field.exclusive_maximum, "<"),
    ):
        if bound is not None:
            value = Constant(stored_value(field, bound), column.type, (0, 0))
            operator = operator if exclusive else f"{operator}="
            typed = operators.compared(operator, column, value, (0, 0))
            sentence = f"`{field.name}` is {operator} {bound}."
            compiled = Compiled("", entity.name, None, typed)  # type: ignore[arg-type]  # it has no text
            yield Rule(f"{entity.name}.{field.name}", entity.name, sentence, Severity.ERROR, compiled, schema)


_MAY_LACK = frozenset({"divide", "remainder"})
"""Operations that have no value for some numbers, such as a division by zero."""


def _may_lack(typed: Typed) -> bool:
    return any(isinstance(one, Apply) and one.operation in _MAY_LACK for one in every_typed(typed))


def _with_value(entity: Entity, field: Field, schema: Schema) -> Rule:
    """That a derived field is not null, as a rule."""
    column = Column((), (), field.name, column_type(entity, field), (0, 0))
    null = applied("is_null", (column,), BOOLEAN, (0, 0))
    typed = applied("not", (null,), BOOLEAN, (0, 0))
    compiled = Compiled("", entity.name, None, typed)  # type: ignore[arg-type]  # it has no text
    sentence = f"`{field.name}` has a value: {field.derived} is not null."
    return Rule(f"{entity.name}.{field.name}", entity.name, sentence, Severity.ERROR, compiled, schema)


def stored_value(field: Field, value: Any) -> Any:
    """A JSON value of a field as columns store it."""
    read = read_value(field.type, value)
    if hasattr(read, "total_seconds"):
        return round(read.total_seconds() * 1_000_000)
    return stored(read) if not isinstance(read, Duration) else read.microseconds


def opened(typed: Typed, unknown: Callable[[Column], bool]) -> Typed | None:
    """The rule with some columns unknown; None if it can hold whatever they are.

    Where the result is False, the rule is violated for every value of those columns.
    """
    return _positive(without(typed, unknown))


def without(part: Typed, unknown: Callable[[Column], bool]) -> Typed:
    """The expression with some columns unknown. A column without a name stands for the children themselves."""
    match part:
        case Column():
            return Constant(None, part.type, part.where, part.scope) if unknown(part) else part
        case Spread():
            return replace(part, operand=without(part.operand, unknown))
        case Fold():
            if unknown(Column(part.argument.scope, (), "", part.type, part.where)):
                return Constant(None, part.type, part.where, part.scope)
            return replace(part, argument=without(part.argument, unknown))
        case Apply():
            arguments = tuple(without(one, unknown) for one in part.arguments)
            if part.operation not in ("and", "or", "choose", "coalesce", "member"):
                bare = [one.operand if isinstance(one, Spread) else one for one in arguments]
                # `is null` too: nobody knows whether the value will be null.
                if any(isinstance(one, Constant) and one.value is None for one in bare):
                    return Constant(None, part.type, part.where, part.scope)
            return replace(part, arguments=arguments)
        case Constant() | Given():
            return part


def _positive(part: Typed) -> Typed | None:
    """A condition that is False where this one is; None if that is nowhere known."""
    if isinstance(part, Constant) and part.value is None:
        return None
    if isinstance(part, Spread):
        operand = _positive(part.operand)
        return operand and replace(part, operand=operand)
    if isinstance(part, Apply) and part.operation == "and":
        left = [one for one in map(_positive, part.arguments) if one is not None]
        return None if not left else left[0] if len(left) == 1 else replace(part, arguments=tuple(left))
    if isinstance(part, Apply) and part.operation == "or":
        left = [one for one in map(_positive, part.arguments) if one is not None]
        return replace(part, arguments=tuple(left)) if len(left) == len(part.arguments) else None
    if isinstance(part, Fold) and part.fold == "all":
        argument = _positive(part.argument)
        return argument and replace(part, argument=argument)
    return part
