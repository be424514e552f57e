"""What operators do with types. Each function raises Wrong with one sentence if it cannot take them."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import lcm

from shared.rules.schema import BOOLEAN, DATE, DATETIME, DURATION, INTEGER, NULL, NUMBER, TEXT, Kind, Type
from shared.rules.syntax import LARGEST, Where
from shared.rules.typed import Constant, Typed, applied
from shared.yaml import near

MILLION = 1_000_000
"""A number that multiplies or divides money counts to six decimals, so that money stays exact."""
DAY = 86_400_000_000
"""Microseconds of a day."""
_LARGEST_DENOMINATOR = 10**12
_ROUND_FIRST = "An amount that was divided by a column must be rounded first; write `round(…)` around it."


class Wrong(Exception):
    """The types do not fit; the message is one sentence. where: the part to blame, if not the whole operation."""

    def __init__(self, sentence: str, where: Where | None = None) -> None:
        super().__init__(sentence)
        self.where = where


def arithmetic(operator: str, left: Typed, right: Typed, where: Where) -> Typed:
    """`left operator right`."""
    no_null(left, right)
    result = _OPERATIONS[operator](left, right, where)
    if result is None:
        raise Wrong(
            f"{_begun(left.type.phrase)} {_VERBS[operator]} {right.type.phrase} has no meaning{_hint(left, right)}."
        )
    return result


def negated(operand: Typed, where: Where) -> Typed:
    """`-operand`."""
    no_null(operand)
    if operand.type.kind not in (Kind.INTEGER, Kind.NUMBER, Kind.MONEY, Kind.DURATION):
        raise Wrong(f"{_begun(operand.type.phrase)} has no negative.")
    if not operand.type.denominator:
        raise Wrong(_ROUND_FIRST)
    if isinstance(operand, Constant):
        return replace(operand, value=-operand.value, where=where)  # type: ignore[operator]  # its kind has numbers
    return applied("negate", (operand,), operand.type, where)


def compared(operator: str, left: Typed, right: Typed, where: Where) -> Typed:
    """`left operator right` for == != < <= > >=."""
    if NULL in (left.type, right.type):
        instead = "is not null" if operator == "!=" else "is null"
        raise Wrong(f"A comparison with null is never true; write `{instead}`.")
    left, right = _comparable(left, right)
    if operator not in ("==", "!="):
        for side in (left, right):
            unordered = side.type.kind in (Kind.BOOLEAN, Kind.IDENTIFIER) or _is_enumeration(side)
            if unordered:
                name = "an enumeration" if _is_enumeration(side) else side.type.phrase
                raise Wrong(f"{_begun(name)} has no order; compare it with `==`, `!=` or `in`.", side.where)
    if left.type.kind is Kind.MONEY:
        if 0 in (left.type.denominator, right.type.denominator):
            detail = (operator, left.type.denominator, right.type.denominator)
            return applied("compare_fractions", (left, right), BOOLEAN, where, detail)
        left, right = _same_fractions(left, right)
    return applied("compare", (left, right), BOOLEAN, where, operator)


def unified(parts: Sequence[Typed], what: str) -> list[Typed]:
    """The parts converted to one type: the branches of `if`, the values of coalesce, min and max."""
    known = [part.type for part in parts if part.type != NULL]
    if not known:
        raise Wrong(f"{what} is always null.")
    if not all(one.denominator for one in known):
        raise Wrong(_ROUND_FIRST)
    to = known[0]
    for one in known[1:]:
        to = _common(to, one, what)
    return [_converted(part, to) for part in parts]


def assigned(part: Typed, to: Type) -> Typed:
    """The part converted to the type of the column that it gives the values of."""
    one = part.type
    if one.kind is Kind.MONEY and one.denominator != 1:
        raise Wrong("An amount before rounding is no value of a column; write `round(…)` around it.")
    literal = one.kind is Kind.TEXT and to.textual
    if to.values and one.values and not {*one.values} <= {*to.values}:
        raise Wrong(f"The value {next(value for value in one.values if value not in to.values)!r} does not occur here.")
    same = one.kind is to.kind and one.currency == to.currency and one.integer == to.integer
    if same or literal or one == NULL or (one.numeric and to == NUMBER) or (one.moment and to == DATETIME):
        return _converted(part, to)
    raise Wrong(f"The result is {to.phrase}; this is {one.phrase}.")


def boolean(part: Typed, what: str) -> None:
    """Refuse a part that is not true or false."""
    if part.type != BOOLEAN:
        raise Wrong(f"{what} is true or false; this is {part.type.phrase}{_boolean_hint(part.type)}.", part.where)


def no_null(*parts: Typed) -> None:
    """Refuse `null` where its type would not be known."""
    for part in parts:
        if part.type == NULL:
            raise Wrong("`null` can only stand after `is`, and as a branch of `if`.", part.where)


def number(part: Typed) -> Typed:
    """An integer as a number."""
    if isinstance(part, Constant) and part.value is not None:
        return replace(part, value=float(part.value), type=NUMBER)
    return part if part.type == NUMBER else applied("to_number", (part,), NUMBER, part.where)


def instant(part: Typed) -> Typed:
    """A date as the datetime of its midnight, UTC."""
    if part.type == DATETIME:
        return part
    return applied("multiply", (part, Constant(DAY, part.type, part.where)), DATETIME, part.where)


def in_millionths(part: Typed) -> Typed:
    """A number as an integer of millionths."""
    return applied("millionths", (part,), Type(Kind.INTEGER), part.where)


def times(part: Typed, factor: int, type_: Type) -> Typed:
    """The stored values multiplied by a constant."""
    if factor == 1:
        return replace(part, type=type_)
    if factor > LARGEST:
        raise Wrong("This amount becomes too large.", part.where)
    return applied("multiply", (part, Constant(factor, type_, part.where)), type_, part.where)


def _comparable(left: Typed, right: Typed) -> tuple[Typed, Typed]:
    one, other = left.type, right.type
    if one.numeric and other.numeric:
        return (left, right) if one == other else (number(left), number(right))
    if one.moment and other.moment:
        return (left, right) if one == other else (instant(left), instant(right))
    if one.textual and other.textual:
        _check_values(left, right)
        return left, right
    if Kind.IDENTIFIER in (one.kind, other.kind) and {one.kind, other.kind} <= {Kind.IDENTIFIER, Kind.INTEGER}:
        if one.textual == other.textual:
            return left, right
    elif one.kind is other.kind and one.currency == other.currency and one.kind is not Kind.JSON:
        return left, right
    raise Wrong(f"{_begun(one.phrase)} cannot be compared with {other.phrase}{_hint(left, right)}.")


def _check_values(left: Typed, right: Typed) -> None:
    for literal, column in ((left, right), (right, left)):
        values = column.type.values
        if isinstance(literal, Constant) and values and literal.value not in values:
            hint = near(str(literal.value), values) or f"; it is one of {', '.join(map(repr, values[:20]))}"
            raise Wrong(f"The value {str(literal.value)!r} does not occur here{hint}.", literal.where)
    if left.type.values and right.type.values and not {*left.type.values} & {*right.type.values}:
        raise Wrong("The two have no value in common, so they are never equal.")


def _is_enumeration(part: Typed) -> bool:
    return bool(part.type.values) and not isinstance(part, Constant)


def _add(left: Typed, right: Typed, where: Where) -> Typed | None:
    one, other = left.type, right.type
    if one.kind is Kind.DURATION and other.moment:
        left, right, one, other = right, left, other, one
    if one.moment and other.kind is Kind.DURATION:
        return _moved("add", left, right, where)
    return _summed("add", left, right, where)


def _subtract(left: Typed, right: Typed, where: Where) -> Typed | None:
    one, other = left.type, right.type
    if one.moment and other.kind is Kind.DURATION:
        return _moved("subtract", left, right, where)
    if one == other == DATE:
        return times(applied("subtract", (left, right), DATE, where), DAY, DURATION)
    if one.moment and other.moment:
        return applied("subtract", (instant(left), instant(right)), DURATION, where)
    if one.kind is other.kind is Kind.TIME:
        return applied("subtract", (left, right), DURATION, where)
    return _summed("subtract", left, right, where)


def _moved(operation: str, moment: Typed, by: Typed, where: Where) -> Typed:
    """A date or datetime, earlier or later; a date stays one if it moves by days or weeks that are written out."""
    if moment.type == DATE and isinstance(by, Constant) and isinstance(by.value, int) and by.value % DAY == 0:
        return applied(operation, (moment, replace(by, value=by.value // DAY)), DATE, where)
    return applied(operation, (instant(moment), by), DATETIME, where)


def _summed(operation: str, left: Typed, right: Typed, where: Where) -> Typed | None:
    one, other = left.type, right.type
    if one.numeric and other.numeric:
        left, right = (left, right) if one == other else (number(left), number(right))
        return applied(operation, (left, right), left.type, where)
    if one.kind is other.kind is Kind.MONEY and one.currency == other.currency:
        left, right = _same_fractions(left, right)
        return applied(operation, (left, right), left.type, where)
    if one.kind is other.kind is Kind.DURATION:
        return applied(operation, (left, right), DURATION, where)
    return None


def _multiply(left: Typed, right: Typed, where: Where) -> Typed | None:
    if right.type.kind in (Kind.MONEY, Kind.DURATION):
        left, right = right, left
    one, other = left.type, right.type
    if one.numeric and other.numeric:
        left, right = (left, right) if one == other else (number(left), number(right))
        return applied("multiply", (left, right), left.type, where)
    if one.kind is Kind.DURATION and other.kind is Kind.INTEGER:
        return applied("multiply", (left, right), DURATION, where)
    if one.kind is not Kind.MONEY or not other.numeric:
        return None
    if other.kind is Kind.INTEGER and one.denominator:
        return applied("multiply", (left, right), one, where)
    if isinstance(right, Constant):
        factor = _fraction(right)
        type_ = _finer(one, factor.denominator)
        return replace(times(left, factor.numerator, type_), where=where)
    return applied("multiply", (left, in_millionths(right)), _finer(one, MILLION), where)


def _divide(left: Typed, right: Typed, where: Where) -> Typed | None:
    one, other = left.type, right.type
    if isinstance(right, Constant) and right.value == 0:
        raise Wrong("A division by zero has no result.", right.where)
    if one.numeric and other.numeric:
        return applied("divide", (number(left), number(right)), NUMBER, where)
    if one.kind is other.kind is Kind.MONEY and one.currency == other.currency:
        left, right = _same_fractions(left, right)
        return applied("divide", (number(left), number(right)), NUMBER, where)
    if one.kind is other.kind is Kind.DURATION:
        return applied("divide", (number(left), number(right)), NUMBER, where)
    if one.kind is not Kind.MONEY or not other.numeric:
        return None
    if isinstance(right, Constant):
        divisor = _fraction(right)
        if divisor < 0:
            return negated(_divide(left, replace(right, value=-right.value), where) or left, where)  # type: ignore[operator]
        return replace(times(left, divisor.denominator, _finer(one, divisor.numerator)), where=where)
    varying = replace(_finer(one, 1), denominator=0)
    if other.kind is Kind.INTEGER:
        return applied("quotient", (left, right), varying, where, one.denominator)
    return applied("quotient", (times(left, MILLION, one), in_millionths(right)), varying, where, one.denominator)


def _remainder(left: Typed, right: Typed, where: Where) -> Typed | None:
    one, other = left.type, right.type
    if isinstance(right, Constant) and right.value == 0:
        raise Wrong("A division by zero has no result.", right.where)
    if one.numeric and other.numeric:
        left, right = (left, right) if one == other else (number(left), number(right))
        return applied("remainder", (left, right), left.type, where)
    if one == other and one.kind is Kind.MONEY and one.denominator == 1:
        return applied("remainder", (left, right), one, where)
    return None


_OPERATIONS = {"+": _add, "-": _subtract, "*": _multiply, "/": _divide, "%": _remainder}
_VERBS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by", "%": "modulo"}


def _fraction(literal: Constant) -> Fraction:
    """The exact value of a number as it is written."""
    return Fraction(Decimal(repr(literal.value)))


def _finer(type_: Type, factor: int) -> Type:
    """Money in a smaller fraction of its minor unit."""
    denominator = type_.denominator * factor
    if not type_.denominator or denominator > _LARGEST_DENOMINATOR:
        raise Wrong("The fraction of a minor unit becomes too small; write `round(…)` around the amount before.")
    return replace(type_, denominator=denominator)


def _same_fractions(left: Typed, right: Typed) -> tuple[Typed, Typed]:
    """Two amounts of money in the same fraction of a minor unit."""
    one, other = left.type.denominator, right.type.denominator
    if not one or not other:
        raise Wrong(_ROUND_FIRST)
    common = replace(left.type, denominator=lcm(one, other))
    if common.denominator > _LARGEST_DENOMINATOR:
        raise Wrong("The fraction of a minor unit becomes too small; write `round(…)` around the amounts.")
    return times(left, common.denominator // one, common), times(right, common.denominator // other, common)


def _common(one: Type, other: Type, what: str) -> Type:
    if one.kind is other.kind is Kind.MONEY and one.currency == other.currency:
        return replace(one, denominator=lcm(one.denominator, other.denominator))
    if one == other:
        return one
    if one.numeric and other.numeric:
        return NUMBER
    if one.moment and other.moment:
        return DATETIME
    if one.textual and other.textual:
        both = one.values and other.values
        return replace(TEXT, values=tuple(dict.fromkeys([*one.values, *other.values]))) if both else TEXT
    if {one.kind, other.kind} == {Kind.IDENTIFIER, Kind.INTEGER} and one.textual == other.textual:
        return INTEGER
    raise Wrong(f"{what} has one type; here are {one.phrase} and {other.phrase}.")


def _converted(part: Typed, to: Type) -> Typed:
    if part.type == NULL or to.textual:
        return replace(part, type=to)
    if to.kind is Kind.MONEY:
        return times(part, to.denominator // part.type.denominator, to)
    if to == NUMBER:
        return number(part)
    return instant(part) if to == DATETIME else part


def _begun(text: str) -> str:
    return text[0].upper() + text[1:]


def _boolean_hint(type_: Type) -> str:
    return "; compare it with something" if type_ != NULL else ""


_WRITTEN = {
    Kind.DATE: 'a date is written as `date("2026-01-31")`',
    Kind.DATETIME: 'a datetime is written as `datetime("2026-01-31T18:30:00Z")`',
    Kind.TIME: 'a time is written as `time("18:30:00")`',
    Kind.DURATION: "a duration is written as `3 days`",
}


def _hint(left: Typed, right: Typed) -> str:
    """How a literal is written that has the wrong type beside the other operand."""
    for literal, other in ((left, right), (right, left)):
        if not isinstance(literal, Constant) or isinstance(other, Constant):
            continue
        if other.type.kind is Kind.MONEY and literal.type.numeric:
            return f"; an amount is written as `{other.type.currency} {literal.value}`"
        if other.type.kind in _WRITTEN and (literal.type.textual or literal.type.numeric):
            return f"; {_WRITTEN[other.type.kind]}"
        if other.type.numeric and literal.type.textual:
            return "; a number stands without quotes"
        if other.type.textual and literal.type.numeric:
            return "; a text stands in quotes"
    return ""
