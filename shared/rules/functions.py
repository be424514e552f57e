"""The functions of rules. A function is one entry here, and its operation in shared/rules/kernels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from shared.rules.operators import DAY, Wrong, no_null, unified
from shared.rules.schema import DATE, DATETIME, INTEGER, NUMBER, TEXT, Kind
from shared.rules.syntax import Where
from shared.rules.typed import Constant, Typed, applied

ORDERED = (Kind.INTEGER, Kind.NUMBER, Kind.MONEY, Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DURATION)
"""The kinds of values that `min` and `max` take."""

_MANY = 20
_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a row. least, most: how many values it takes. apply: raises Wrong if it cannot take them."""

    least: int
    most: int
    apply: Callable[[str, tuple[Typed, ...], Where], Typed]


def _absolute(name: str, given: tuple[Typed, ...], where: Where) -> Typed:
    (value,) = given
    if value.type.kind not in (Kind.INTEGER, Kind.NUMBER, Kind.MONEY, Kind.DURATION) or not value.type.denominator:
        raise Wrong(f"`{name}` takes a number, an amount or a duration; this is {value.type.phrase}.", value.where)
    return applied("abs", given, value.type, where)


def _rounded(name: str, given: tuple[Typed, ...], where: Where) -> Typed:
    value, *rest = given
    if rest:
        digits = rest[0].value if isinstance(rest[0], Constant) else None
        if not isinstance(digits, int) or isinstance(digits, bool) or not 0 <= digits <= _MAX_DIGITS:
            raise Wrong(f"`{name}` rounds to 0 to {_MAX_DIGITS} decimals, written out.", rest[0].where)
        if value.type != NUMBER:
            raise Wrong(f"`{name}` to decimals takes a number; this is {value.type.phrase}.", value.where)
        return applied("round_to", (value,), NUMBER, where, digits)
    if value.type == NUMBER:
        return applied(name, (value,), INTEGER, where)
    if value.type.kind is not Kind.MONEY:
        raise Wrong(f"`{name}` takes a number or an amount; this is {value.type.phrase}.", value.where)
    if value.type.denominator == 1:
        raise Wrong("This amount is in whole minor units already; it needs no rounding.", value.where)
    return applied(f"{name}_money", (value,), replace(value.type, denominator=1), where, value.type.denominator)


def _of_text(name: str, given: tuple[Typed, ...], where: Where) -> Typed:
    (value,) = given
    if not value.type.textual:
        raise Wrong(f"`{name}` takes a text; this is {value.type.phrase}.", value.where)
    return applied(name, (value,), INTEGER if name == "length" else TEXT, where)


def _of_date(name: str, given: tuple[Typed, ...], where: Where) -> Typed:
    return applied(name, (_day(name, given[0]),), INTEGER, where)


def _date(name: str, given: tuple[Typed, ...], where: Where) -> Typed:
    return replace(_day(name, given[0]), where=where)


def _day(name: str, value: Typed) -> Typed:
    if value.type == DATE:
        return value
    if value.type != DATETIME:
        raise Wrong(f"`{name}` takes a date or a datetime; this is {value.type.phrase}.", value.where)
    return applied("whole", (value, Constant(DAY, value.type, value.where)), DATE, value.where)


def _coalesced(name: str, given: tuple[Typed, ...], where: Where) -> Typed:
    parts = unified(given, f"`{name}`")
    return applied(name, tuple(parts), parts[0].type, where)


def _extreme(name: str, given: tuple[Typed, ...], where: Where) -> Typed:
    no_null(*given)
    parts = unified(given, f"`{name}`")
    if parts[0].type.kind not in ORDERED or not parts[0].type.denominator:
        raise Wrong(
            f"`{name}` takes numbers, amounts, dates, times or durations; this is {parts[0].type.phrase}.", where
        )
    return applied("least" if name == "min" else "greatest", tuple(parts), parts[0].type, where)


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(1, 1, _absolute),
    "round": Function(1, 2, _rounded),
    "floor": Function(1, 1, _rounded),
    "ceil": Function(1, 1, _rounded),
    "length": Function(1, 1, _of_text),
    "lower": Function(1, 1, _of_text),
    "upper": Function(1, 1, _of_text),
    "year": Function(1, 1, _of_date),
    "month": Function(1, 1, _of_date),
    "day": Function(1, 1, _of_date),
    "date": Function(1, 1, _date),
    "coalesce": Function(2, _MANY, _coalesced),
    "min": Function(2, _MANY, _extreme),
    "max": Function(2, _MANY, _extreme),
}
FOLDS = ("sum", "any", "all", "count", "min", "max")
"""The folds of children."""
