"""What all messages hold: JSON values, enums and times."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import InvalidArgument
from shared.model.events import Json

_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_EXACT = 2**53
"""Up to here a double holds every whole number."""


class NumberNotFinite(InvalidArgument):
    """JSON has neither infinite numbers nor NaN; give a finite number."""

    reason = "NUMBER_NOT_FINITE"


class TimeOutOfRange(InvalidArgument):
    """A time must lie in the years 1 to 9999, and its nanos from 0 to 999,999,999."""

    reason = "TIME_OUT_OF_RANGE"


def fill_struct(struct: Struct, value: Mapping[str, Json]) -> None:
    """Write a JSON object into a Struct that is part of a message.

    In place, because that is four times as fast as building the values apart (5 against 23 µs for eight of them).
    """
    fields = struct.fields
    for name, member in value.items():
        fill_value(fields[name], member)


def fill_value(message: Value, value: Json) -> None:
    """Write a JSON value into a Value that is part of a message."""
    kind = type(value)
    if kind is str:
        message.string_value = value
    elif kind is bool:
        message.bool_value = value
    elif kind is int or kind is float:
        message.number_value = value
    elif value is None:
        message.null_value = NULL_VALUE
    elif isinstance(value, Mapping):
        message.struct_value.SetInParent()
        fill_struct(message.struct_value, value)
    else:
        items = message.list_value
        items.SetInParent()
        for item in value:
            fill_value(items.values.add(), item)


def struct_json(struct: Struct) -> dict[str, Json]:
    """The JSON object in a Struct; whole numbers are ints. Raises NumberNotFinite."""
    return {name: value_json(value) for name, value in struct.fields.items()}


def value_json(value: Value) -> Json:
    """The JSON value in a Value; null if none is set. Raises NumberNotFinite."""
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return _number(value.number_value)
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return struct_json(value.struct_value)
        case "list_value":
            return [value_json(item) for item in value.list_value.values]
        case _:
            return None


def _number(number: float) -> int | float:
    if not isfinite(number):
        raise NumberNotFinite
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def timestamp(milliseconds: int) -> Timestamp | None:
    """Unix milliseconds as a Timestamp; None, which leaves a field unset, for 0."""
    if not milliseconds:
        return None
    seconds, rest = divmod(milliseconds, 1000)
    return Timestamp(seconds=seconds, nanos=rest * 1_000_000)


def milliseconds(time: Timestamp) -> int:
    """A Timestamp as Unix milliseconds, cut. Raises TimeOutOfRange."""
    if not (_FIRST_SECOND <= time.seconds <= _LAST_SECOND and 0 <= time.nanos < 1_000_000_000):
        raise TimeOutOfRange
    return time.seconds * 1000 + time.nanos // 1_000_000


def enum_number(enum: Any, prefix: str, value: str | None) -> Any:
    """The number of a domain enum's value in a proto enum; 0, unspecified, for None."""
    return enum.Value(f"{prefix}_{value}") if value else 0


def enum_value(enum: Any, prefix: str, number: int) -> str:
    """The domain's word for a proto enum's number; "" for unspecified."""
    name: str = enum.Name(number)
    return "" if number == 0 else name.removeprefix(f"{prefix}_")
