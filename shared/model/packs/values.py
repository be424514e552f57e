"""Values of fields: which JSON values a type has, and their order."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any

from shared.model.events import Json
from shared.model.packs.model import FieldType

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


def read_duration(text: str) -> timedelta:
    """A duration such as `3 days`. Raises ValueError."""
    number, _, unit = text.strip().partition(" ")
    seconds = _UNITS.get(unit.strip().removesuffix("s"))
    if not number.isdecimal() or seconds is None:
        raise ValueError(text)
    return timedelta(seconds=int(number) * seconds)


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _clock(text: str) -> time:
    """An offset is left out, because times are those of the place."""
    return time.fromisoformat(text).replace(tzinfo=None)


def _whole(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(value)
    return value


def _number(value: Json) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _name(value: Json) -> str | int:
    return _text(value) if isinstance(value, str) else _whole(value)


def _of_text(read: Callable[[str], Any]) -> Callable[[Json], Any]:
    return lambda value: read(_text(value))


_READ: Mapping[FieldType, tuple[Callable[[Json], Any], str]] = {
    FieldType.TEXT: (_text, "text"),
    FieldType.INTEGER: (_whole, "a whole number"),
    FieldType.NUMBER: (_number, "a number"),
    FieldType.BOOLEAN: (_flag, "true or false"),
    FieldType.MONEY: (_whole, "a whole number of minor units, such as 1999"),
    FieldType.DATE: (_of_text(date.fromisoformat), "a date such as 2026-01-31"),
    FieldType.TIME: (_of_text(_clock), 'a time such as "08:30:00", in quotes'),
    FieldType.DATETIME: (_of_text(_moment), "a time such as 2026-01-31T08:30:00Z"),
    FieldType.DURATION: (_of_text(read_duration), "a duration such as 3 days"),
    FieldType.IDENTIFIER: (_name, "text or a whole number"),
    FieldType.JSON: (lambda value: value, "a value"),
}

ORDERED = frozenset(FieldType) - {FieldType.TEXT, FieldType.BOOLEAN, FieldType.IDENTIFIER, FieldType.JSON}
"""The types whose values can be less or greater."""
TEXTUAL = frozenset({FieldType.TEXT, FieldType.IDENTIFIER})
"""The types whose values have a length and can match a pattern."""
NUMERIC = frozenset({FieldType.INTEGER, FieldType.NUMBER, FieldType.MONEY})


def read_value(kind: FieldType, value: Json) -> Any:
    """The value of a field of this type, so that values of one type can be compared. Raises ValueError."""
    return _READ[kind][0](value)


def described(kind: FieldType) -> str:
    """What a value of this type is, in words."""
    return _READ[kind][1]


_STEPS: Mapping[FieldType, Any] = {
    FieldType.INTEGER: 1,
    FieldType.MONEY: 1,
    FieldType.DATE: timedelta(days=1),
    FieldType.DURATION: timedelta(seconds=1),
}
"""How far apart the values of a type are, where others cannot lie between them."""
_MOST_SCALE = 400
"""Digits after the point beyond these change no number."""


def has_between(kind: FieldType, least: Any, most: Any, *, above: bool, below: bool, scale: int | None = None) -> bool:
    """True if a value lies between two that were read. above, below: not `least`, or `most`, itself.

    scale: how many digits a number has after the point at most; None for any.
    """
    if kind is FieldType.NUMBER and scale is not None:
        unit = 10 ** min(scale, _MOST_SCALE)
        low, high = Fraction(str(least)) * unit, Fraction(str(most)) * unit
        first = floor(low) + 1 if above else ceil(low)
        last = ceil(high) - 1 if below else floor(high)
        return bool(first <= last)
    if kind in _STEPS:
        return bool(most - least >= _STEPS[kind] * (above + below))
    return bool(least < most or (least == most and not (above or below)))
