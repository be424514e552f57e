"""Bounds of fields that rules give: `length(code) == 3` is a length, `status in ["new", "old"]` an enumeration.

Values that are made within these bounds need no search. The rules are checked all the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from services.testdata.records.errors import RulesContradict
from shared.errors import GreenroomError
from shared.model.packs.model import Entity, Field, FieldType, Pack, Rule, Severity
from shared.model.packs.values import ORDERED, read_value
from shared.patterns.automaton import lengths
from shared.rules.parser import parse
from shared.rules.problems import BadSyntax
from shared.rules.syntax import Call, Comparison, IsNull, Literal, Logic, Matches, Member, Node, Path, Sign

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_CASES = {"upper": "[A-Z0-9]+", "lower": "[a-z0-9]+"}
"""Texts that are in upper or lower case."""
_TEXTS = frozenset({FieldType.TEXT, FieldType.IDENTIFIER})


@dataclass(frozen=True, slots=True)
class Asked:
    """What one rule asks of one field alone. of: `value`, `length`, `pattern` or `values`.

    operator: of a bound, `<`, `<=`, `>`, `>=` or `==`.
    """

    field: str
    of: str
    value: Any
    operator: str = ""


def with_bounds(pack: Pack) -> Pack:
    """The pack with the bounds that its rules give. Raises RulesContradict."""
    return replace(pack, entities=tuple(_bounded(entity, pack.rules) for entity in pack.entities))


def _bounded(entity: Entity, rules: Iterable[Rule]) -> Entity:
    fields = {one.name: one for one in entity.fields}
    givers: dict[tuple[str, str], Rule] = {}
    for rule in rules:
        if rule.entity != entity.name or rule.severity is not Severity.ERROR or not rule.expression:
            continue
        for asked in _asked(rule.expression):
            of = fields.get(asked.field)
            if of is None or of.derived:
                continue
            narrower = _narrower(of, asked)
            if narrower == of:
                continue
            if _is_empty(narrower):
                kept = [name for name in _MEMBERS if name == "values" or getattr(narrower, name) == getattr(of, name)]
                _contradict(entity, of, rule, [givers[of.name, name] for name in kept if (of.name, name) in givers])
                continue
            fields[of.name] = narrower
            givers |= {(of.name, name): rule for name in _MEMBERS if getattr(narrower, name) != getattr(of, name)}
    made = {one.name: one for one in entity.fields}
    return replace(entity, fields=tuple(_with_texts(one, made[one.name]) for one in fields.values()))


def _with_texts(of: Field, before: Field) -> Field:
    """The field, or if no text can be made for the pattern that a rule gave, the field without that pattern."""
    if of.pattern != before.pattern:
        try:
            lengths(of.pattern, of.min_length, of.max_length)
        except GreenroomError:
            return replace(of, pattern=before.pattern)
    return of


_MEMBERS = ("minimum", "maximum", "min_length", "max_length", "values")


def _contradict(entity: Entity, of: Field, rule: Rule, givers: Sequence[Rule]) -> None:
    """Raise RulesContradict if another rule gave the bounds that this one contradicts, and null is no way out.

    givers: the rules that gave the bounds which this one leaves as they are.
    """
    other = next(iter(givers), None)
    if other is not None and other.id != rule.id and not of.nullable:
        raise RulesContradict(
            entity=entity.name,
            rule=other.id,
            text=other.text.rstrip("."),
            other=rule.id,
            other_text=rule.text.rstrip("."),
        )


def _asked(expression: str) -> Iterator[Asked]:
    try:
        syntax = parse(expression)
    except BadSyntax:
        return
    for part in _conjuncts(syntax):
        yield from _of(part)


def _conjuncts(part: Node) -> Iterator[Node]:
    if isinstance(part, Logic) and part.operator == "and":
        yield from _conjuncts(part.left)
        yield from _conjuncts(part.right)
    else:
        yield part


def _of(part: Node) -> Iterator[Asked]:
    match part:
        case Logic(operator="or"):
            yield from _alternatives(part)
        case Comparison() if part.operator in _FLIPPED:
            yield from _compared(part.left, part.operator, part.right)
            yield from _compared(part.right, _FLIPPED[part.operator], part.left)
        case Member(negated=False):
            name = _cased(part.value)
            values = [_literal(item) for item in part.items]
            if name and values and None not in values:
                yield Asked(name, "values", tuple(values))
        case Matches(negated=False):
            if name := _column(part.value):
                yield Asked(name, "pattern", _whole(part.pattern))


def _alternatives(part: Logic) -> Iterator[Asked]:
    """`x is null or …`, and `x == 1 or x == 2`: what is asked of x unless it is null."""
    sides = [*_disjuncts(part)]
    nulls = {_column(one.value) for one in sides if isinstance(one, IsNull) and not one.negated}
    others = [one for one in sides if not (isinstance(one, IsNull) and not one.negated)]
    if len(others) == 1 and len(nulls) == 1:
        found = [asked for one in _conjuncts(others[0]) for asked in _of(one)]
        yield from (one for one in found if {one.field} == nulls)
        return
    values: list[Any] = []
    names = {*nulls}
    for one in others:
        asked = [*_of(one)]
        if len(asked) != 1 or not (asked[0].of == "values" or (asked[0].of == "value" and asked[0].operator == "==")):
            return
        names.add(asked[0].field)
        values += asked[0].value if asked[0].of == "values" else [asked[0].value]
    if len(names) == 1 and values:
        yield Asked(names.pop(), "values", tuple(dict.fromkeys(values)))


def _disjuncts(part: Node) -> Iterator[Node]:
    if isinstance(part, Logic) and part.operator == "or":
        yield from _disjuncts(part.left)
        yield from _disjuncts(part.right)
    else:
        yield part


def _compared(one: Node, operator: str, other: Node) -> Iterator[Asked]:
    if isinstance(other, Call) and other.name in _CASES and operator == "==" and (name := _column(one)):
        if _column(other.arguments[0]) == name:
            yield Asked(name, "pattern", _CASES[other.name])
        return
    value = _literal(other)
    if value is None:
        return
    if name := _column(one):
        yield Asked(name, "value", value, operator)
    elif isinstance(one, Call) and one.name == "length" and (name := _column(one.arguments[0])):
        yield Asked(name, "length", value, operator)


def _column(part: Node) -> str:
    """The name of a field of the record itself, or nothing."""
    return part.names[0] if isinstance(part, Path) and len(part.names) == 1 else ""


def _cased(part: Node) -> str:
    """The name of a field, also in `upper(code)`."""
    return _column(part.arguments[0]) if isinstance(part, Call) and part.name in _CASES else _column(part)


def _literal(part: Node) -> Any:
    """A value that is written out, as JSON; None for everything else."""
    match part:
        case Literal(value=bool() | int() | float() | str() as value):
            return value
        case Literal(value=datetime() as moment):
            return moment.isoformat()
        case Literal(value=date() | time() as moment):
            return moment.isoformat()
        case Sign(operand=Literal(value=int() | float() as value)):
            return -value
        case Call(name="date", arguments=(Literal(value=str() as text),)):
            return text
    return None


def _whole(pattern: str) -> str:
    """A pattern that is found anywhere in a text, as one of the whole text."""
    flags, rest = ("(?s:", pattern[4:]) if pattern.startswith("(?s)") else ("(?:", pattern)
    if rest.startswith("^") and rest.endswith("$") and not rest.endswith("\\$") and "|" not in rest:
        return f"{flags}{rest[1:-1]})"
    return f"(?s:.*){flags}{rest})(?s:.*)"


def _narrower(of: Field, asked: Asked) -> Field:
    """The field within what is asked too; the field itself if that cannot be said of it."""
    match asked.of:
        case "length" if of.type in _TEXTS and isinstance(asked.value, int):
            least = {">": asked.value + 1, ">=": asked.value, "==": asked.value}.get(asked.operator, of.min_length)
            most = {"<": asked.value - 1, "<=": asked.value, "==": asked.value}.get(asked.operator, of.max_length)
            most = of.max_length if most is None or (of.max_length is not None and of.max_length < most) else most
            return replace(of, min_length=max(of.min_length, least), max_length=most)
        case "pattern" if of.type is FieldType.TEXT and not of.pattern and not of.values:
            return replace(of, pattern=asked.value)
        case "values" if _are_values(of, asked.value):
            values = tuple(one for one in asked.value if not of.values or one in of.values)
            return replace(of, values=values) if values else of
        case "value" if asked.operator == "==" and _are_values(of, (asked.value,)):
            return replace(of, values=(asked.value,)) if not of.values or asked.value in of.values else of
        case "value" if of.type in ORDERED and of.type is not FieldType.MONEY and not of.values:
            return _with_bound(of, asked)
    return of


def _with_bound(of: Field, asked: Asked) -> Field:
    try:
        value: Any = _comparable(of.type, asked.value)
        least = None if of.minimum is None else _comparable(of.type, of.minimum)
        most = None if of.maximum is None else _comparable(of.type, of.maximum)
    except (ValueError, TypeError):
        return of
    exclusive = asked.operator in ("<", ">")
    if asked.operator in (">", ">=") and (least is None or value > least or (value == least and exclusive)):
        return replace(of, minimum=asked.value, exclusive_minimum=exclusive)
    if asked.operator in ("<", "<=") and (most is None or value < most or (value == most and exclusive)):
        return replace(of, maximum=asked.value, exclusive_maximum=exclusive)
    return of


def _comparable(kind: FieldType, value: Any) -> Any:
    read = read_value(kind, value)
    if isinstance(read, datetime):
        return read.timestamp()
    return Decimal(str(read)) if isinstance(read, int | float) else read


def _are_values(of: Field, values: Iterable[Any]) -> bool:
    kinds = str if of.type in _TEXTS else int if of.type is FieldType.INTEGER else None
    return kinds is not None and all(isinstance(one, kinds) and not isinstance(one, bool) for one in values)


def _is_empty(of: Field) -> bool:
    """True if no value is within the bounds of a field."""
    if of.max_length is not None and of.min_length > of.max_length:
        return True
    if of.minimum is None or of.maximum is None or of.type not in ORDERED:
        return False
    least, most = _comparable(of.type, of.minimum), _comparable(of.type, of.maximum)
    return bool(least > most or (least == most and (of.exclusive_minimum or of.exclusive_maximum)))
