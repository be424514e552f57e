"""Values that are written out, as they are stored."""

from datetime import UTC, date, datetime, time, timedelta
from typing import assert_never

from shared.rules.schema import BOOLEAN, DATE, DATETIME, DURATION, INTEGER, NULL, NUMBER, TIME, Kind, Type, money
from shared.rules.syntax import Duration, Literal, Money, Value
from shared.rules.typed import Constant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def constant(literal: Literal) -> Constant:
    """A literal with its type. The type of a text is the enumeration of itself."""
    return Constant(stored(literal.value), _type_of(literal.value), literal.where)


def stored(value: Value) -> int | float | bool | str | None:
    """The value as columns store it (see shared/rules/tables.py)."""
    match value:
        case Money():
            return value.minor_units
        case Duration():
            return value.microseconds
        case datetime():
            return (value - _EPOCH) // _MICROSECOND
        case date():
            return (value - _EPOCH.date()).days
        case time():
            return (datetime.combine(_EPOCH.date(), value, UTC) - _EPOCH) // _MICROSECOND
        case _:
            return value


def _type_of(value: Value) -> Type:
    match value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case int():
            return INTEGER
        case float():
            return NUMBER
        case str():
            return Type(Kind.TEXT, values=(value,))
        case Money():
            return money(value.currency)
        case Duration():
            return DURATION
        case datetime():
            return DATETIME
        case date():
            return DATE
        case time():
            return TIME
        case _:
            assert_never(value)
