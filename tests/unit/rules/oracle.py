"""What rules mean, said once more and slowly: one record at a time, with Python's own numbers.

It knows the grammar's parts and nothing of the checker or the columns. A value is (kind, value); None is unknown.
"""

import operator as op
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, isfinite
from typing import Any, NamedTuple

from shared.rules.schema import Entity, Kind, Schema
from shared.rules.syntax import (
    Arithmetic,
    Call,
    Choice,
    Comparison,
    Duration,
    IsNull,
    Literal,
    Logic,
    Matches,
    Member,
    Money,
    Negation,
    Node,
    Path,
    Sign,
    parts,
)

Record = Mapping[str, Any]
Chain = tuple[str, ...]
DAY = 86_400_000_000
FOLDS = ("sum", "any", "all", "count", "min", "max")
SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}


class Val(NamedTuple):
    kind: str
    value: Any


class Oracle:
    """Says what an expression is for a record of an entity."""

    def __init__(self, schema: Schema, entity: str, parameters: Record) -> None:
        self.schema = schema
        self.entity = entity
        self.parameters = parameters

    def holds(self, node: Node, record: Record) -> bool | None:
        """True, False, or None if it is not known."""
        value: bool | None = self.value(node, {(): record}).value
        return value

    def value(self, node: Node, at: Mapping[Chain, Record]) -> Val:
        """The value where the records of each scope are known."""
        match node:
            case Literal():
                return literal(node.value)
            case Path():
                return self.path(node, at)
            case Call() if node.name in FOLDS and len(node.arguments) == 1:
                return self.fold(node, at)
            case Member():
                value = self.value(node.value, at)
                items = [compared("==", value, self.value(item, at)) for item in node.items]
                found = either([item.value for item in items])
                return Val("boolean", opposite(found) if node.negated else found)
            case Matches():
                text = self.value(node.value, at).value
                found = None if text is None else re.search(node.pattern, text) is not None
                return Val("boolean", opposite(found) if node.negated else found)
            case IsNull():
                return Val("boolean", (self.value(node.value, at).value is None) != node.negated)
        given = [self.value(part, at) for part in parts(node)]
        match node:
            case Negation():
                return Val("boolean", opposite(given[0].value))
            case Logic() if node.operator == "or":
                return Val("boolean", either([one.value for one in given]))
            case Logic():
                return Val("boolean", opposite(either([opposite(one.value) for one in given])))
            case Choice():
                test, *branches = given
                return alike(branches)[not test.value] if test.value is not None else Val(alike(branches)[0].kind, None)
            case Comparison():
                return compared(node.operator, *given)
            case Sign():
                return fitted(given[0].kind, None if given[0].value is None else -given[0].value)
            case Arithmetic():
                return arithmetic(node.operator, given[0], given[1], parts(node)[0], parts(node)[1])
            case Call():
                return called(node.name, given)
        raise AssertionError(node)

    def path(self, path: Path, at: Mapping[Chain, Record]) -> Val:
        if len(path.names) == 1 and path.names[0] in self.parameters:
            return literal(self.parameters[path.names[0]])
        chain, rest, entity = self.walk(path.names)
        record: Record | None = at[chain]
        for name in rest[:-1]:
            record = record.get(name) if record else None
            entity = self.schema.entities[entity.parents[name]]
        type_ = entity.columns[rest[-1]]
        kind = type_.kind.value if type_.kind is not Kind.IDENTIFIER else "text"
        return stored(kind + (f" {type_.currency}" if type_.currency else ""), record.get(rest[-1]) if record else None)

    def walk(self, names: Sequence[str]) -> tuple[Chain, Sequence[str], Entity]:
        """The children that a path leads through, the rest of it, and the entity of those children."""
        entity, used = self.schema.entities[self.entity], 0
        while used < len(names) and names[used] in entity.children:
            entity = self.schema.entities[entity.children[names[used]]]
            used += 1
        return tuple(names[:used]), names[used:], entity

    def fold(self, call: Call, at: Mapping[Chain, Record]) -> Val:
        (argument,) = call.arguments
        inner = max((self.walk(path.names)[0] for path in own_paths(argument)), key=len)
        outer = max((chain for chain in at if inner[: len(chain)] == chain and chain != inner), key=len)
        children = [*below(at, outer, inner)]
        if call.name == "count" and isinstance(argument, Path) and not self.walk(argument.names)[1]:
            return Val("integer", len(children))
        given = [self.value(argument, child) for child in children]
        values = [one.value for one in given]
        kind = given[0].kind if given else self.kind(argument, at, inner)
        match call.name:
            case "any":
                return Val("boolean", either(values))
            case "all":
                return Val("boolean", opposite(either([opposite(one) for one in values])))
        if None in values:
            return Val("integer" if call.name == "count" else kind, None)
        match call.name:
            case "count":
                return Val("integer", sum(values))
            case "sum":
                return fitted(kind, sum(values))
        return Val(kind, None if not values else min(values) if call.name == "min" else max(values))

    def kind(self, argument: Node, at: Mapping[Chain, Record], inner: Chain) -> str:
        """The kind of an argument when there are no children: that for a child of which nothing is known."""
        nothing: dict[Chain, Record] = {inner[:length]: {} for length in range(1, len(inner) + 1)}
        return self.value(argument, {**at, **nothing}).kind


def own_paths(node: Node) -> Iterator[Path]:
    if isinstance(node, Path):
        yield node
    elif not (isinstance(node, Call) and node.name in FOLDS and len(node.arguments) == 1):
        for part in parts(node):
            yield from own_paths(part)


def below(at: Mapping[Chain, Record], outer: Chain, inner: Chain) -> Iterator[Mapping[Chain, Record]]:
    if outer == inner:
        yield at
        return
    next_chain = inner[: len(outer) + 1]
    for child in at[outer].get(next_chain[-1]) or []:
        yield from below({**at, next_chain: child}, next_chain, inner)


def literal(value: Any) -> Val:
    match value:
        case None:
            return Val("null", None)
        case bool():
            return Val("boolean", value)
        case int():
            return Val("integer", value)
        case float():
            return Val("number", value)
        case str():
            return Val("text", value)
        case Money():
            return Val(f"money {value.currency}", Fraction(value.minor_units))
        case Duration():
            return Val("duration", value.count * SECONDS[value.unit] * 1_000_000)
        case datetime():
            return Val("datetime", round((value - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000)
        case date():
            return Val("date", value.toordinal() - 719_163)
        case time():
            return Val("time", (value.hour * 3_600 + value.minute * 60 + value.second) * 1_000_000)
    raise AssertionError(value)


def stored(kind: str, value: Any) -> Val:
    if value is None or kind == "json":
        return Val(kind, value)
    if kind.startswith("money"):
        return Val(kind, Fraction(value))
    if kind == "number":
        return Val(kind, float(value))
    if kind == "duration":
        count, unit = value.split()
        return literal(Duration(int(count), unit.removesuffix("s")))
    read: Any = {"date": date, "datetime": datetime, "time": time}.get(kind)
    return literal(read.fromisoformat(value)) if read else Val(kind, value)


def fitted(kind: str, value: Any) -> Val:
    """The value, or None if it does not fit."""
    if value is not None:
        fits = isfinite(value) if kind == "number" else abs(value) < 2**63 or value == -(2**63)
        value = value if fits else None
    return Val(kind, value)


def opposite(value: bool | None) -> bool | None:
    return None if value is None else not value


def either(values: Sequence[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


def alike(values: Sequence[Val]) -> list[Val]:
    """The values in the kind that has all of them."""
    kinds = {one.kind for one in values} - {"null"}
    to = "number" if kinds == {"integer", "number"} else "datetime" if kinds == {"date", "datetime"} else kinds.pop()
    return [converted(one, to) for one in values]


def converted(one: Val, to: str) -> Val:
    if one.value is not None and to == "number" and one.kind == "integer":
        return Val(to, float(one.value))
    if one.value is not None and (one.kind, to) == ("date", "datetime"):
        return Val(to, one.value * DAY)
    return Val(to, one.value)


def compared(operator: str, left: Val, right: Val) -> Val:
    (kind, a), (_, b) = alike([left, right])
    if a is None or b is None:
        return Val("boolean", None)
    equal = abs(a - b) <= max(abs(a), abs(b)) * 1e-9 if kind == "number" else a == b
    result = {
        "==": equal,
        "!=": not equal,
        "<": a < b and not equal,
        "<=": a < b or equal,
        ">": a > b and not equal,
        ">=": a > b or equal,
    }
    return Val("boolean", result[operator])


def arithmetic(operator: str, left: Val, right: Val, left_node: Node, right_node: Node) -> Val:
    if operator == "*" and not left.kind.startswith("money") and right.kind.split()[0] in ("money", "duration"):
        left, right, right_node = right, left, left_node
    (kind, a), (other, b) = left, right
    money, by_number = kind.startswith("money"), other == "number"
    if {kind, other} <= {"integer", "number"}:
        result = "integer" if kind == other == "integer" and operator != "/" else "number"
        (_, a), (_, b) = (
            (left, right) if result == "integer" else (converted(left, "number"), converted(right, "number"))
        )
    elif "date" in (kind, other) or "datetime" in (kind, other):
        moments = [one for one in (left, right) if one.kind.startswith("date")]
        result = "duration" if len(moments) == 2 else "datetime"
        (_, a), (_, b) = (converted(one, "datetime") if one.kind == "date" else one for one in (left, right))
    elif money and operator == "/" and other == kind:
        result, a, b = "number", None if a is None else float(a), None if b is None else float(b)
    else:
        result = "duration" if kind == "time" else kind
        if money and operator == "/" and b == -(2**63):
            b = None  # the denominator of a fraction is positive, and 2^63 is beyond 64 bits
        if money and by_number and b is not None:
            written = isinstance(right_node, Literal) or (
                isinstance(right_node, Sign) and isinstance(right_node.operand, Literal)
            )
            b = Fraction(Decimal(repr(b))) if written else Fraction(round(b * 1_000_000), 1_000_000)
    if a is None or b is None or (operator in "/%" and b == 0):
        return Val(result, None)
    try:
        value = {"+": op.add, "-": op.sub, "*": op.mul, "/": op.truediv, "%": op.mod}[operator](a, b)
    except OverflowError:
        value = None
    return fitted(result, value)


def called(name: str, given: Sequence[Val]) -> Val:
    if name == "coalesce":
        values = alike(given)
        return next((one for one in values if one.value is not None), values[0])
    if name in ("min", "max"):
        values = alike(given)
        some = [one.value for one in values]
        return Val(values[0].kind, None if None in some else min(some) if name == "min" else max(some))
    kind, value = given[0]
    if name in ("round", "floor", "ceil"):
        result = "number" if len(given) == 2 else "integer" if kind == "number" else kind
        return fitted(result, None if value is None else rounded(name, value, *(one.value for one in given[1:])))
    if name == "abs":
        return fitted(kind, None if value is None else abs(value))
    if name == "date":
        return Val("date", value if value is None or kind == "date" else value // DAY)
    result = "text" if name in ("lower", "upper") else "integer"
    if value is None:
        return Val(result, None)
    if name in ("year", "month", "day"):
        day = date.fromordinal((value if kind == "date" else value // DAY) + 719_163)
        return Val(result, getattr(day, name))
    change: Any = {"length": len, "lower": str.lower, "upper": str.upper}
    return Val(result, change[name](value))


def rounded(name: str, value: Any, digits: int | None = None) -> Any:
    if digits is not None:
        scaled = value * 10.0**digits
        return half_away(scaled) / 10.0**digits if abs(scaled) < 2**52 else value
    how: Any = {"round": half_away, "floor": floor, "ceil": ceil}
    return how[name](value)


def half_away(value: Any) -> int:
    whole = int(value)
    return whole + (1 if value > 0 else -1) * int(abs(value - whole) >= Fraction(1, 2))
