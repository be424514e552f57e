"""Converts JSON values, enums and times from and to protobuf."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from google.protobuf.json_format import MessageToDict, SerializeToJsonError
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import InvalidArgument
from shared.model.events import Json

_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_EXACT = 2**53
"""A double represents every integer up to this one exactly."""


class NumberNotFinite(InvalidArgument):
    """JSON has neither infinite numbers nor NaN; give a finite number."""

    reason = "NUMBER_NOT_FINITE"


class TimeOutOfRange(InvalidArgument):
    """A time must lie in the years 1 to 9999, and its nanos from 0 to 999,999,999."""

    reason = "TIME_OUT_OF_RANGE"


def fill_struct(struct: Struct, value: Mapping[str, Json]) -> None:
    """Write a JSON object into a Struct that is part of a message.

    Filling in place is four times as fast as building separate values (5 µs instead of 23 µs for eight values).
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
    """The JSON object in a Struct; integral numbers become ints. Raises NumberNotFinite."""
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
    """Unix milliseconds as a Timestamp; None for 0, which leaves the field unset."""
    if not milliseconds:
        return None
    seconds, rest = divmod(milliseconds, 1000)
    return Timestamp(seconds=seconds, nanos=rest * 1_000_000)


def milliseconds(time: Timestamp) -> int:
    """A Timestamp as Unix milliseconds, rounded down. Raises TimeOutOfRange."""
    if not (_FIRST_SECOND <= time.seconds <= _LAST_SECOND and 0 <= time.nanos < 1_000_000_000):
        raise TimeOutOfRange
    return time.seconds * 1000 + time.nanos // 1_000_000


def enum_number(enum: Any, prefix: str, value: str | None) -> Any:
    """The proto enum number of a domain value; 0 (unspecified) for None."""
    return enum.Value(f"{prefix}_{value}") if value else 0


def enum_value(enum: Any, prefix: str, number: int) -> str:
    """The domain value of a proto enum number; "" for unspecified."""
    name: str = enum.Name(number)
    return "" if number == 0 else name.removeprefix(f"{prefix}_")


def message_json(message: Message) -> Json:
    """A message as proto JSON with the contract's field names; integral numbers become ints. Raises NumberNotFinite."""
    try:
        return _integral(MessageToDict(message, preserving_proto_field_name=True))
    except (SerializeToJsonError, ValueError):  # the latter for a Value
        raise NumberNotFinite from None


def _integral(value: Json) -> Json:
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return {name: _integral(member) for name, member in value.items()}
    return [_integral(item) for item in value] if isinstance(value, list) else value
