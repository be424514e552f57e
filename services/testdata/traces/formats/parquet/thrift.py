"""Thrift's compact protocol, as far as the metadata of Parquet needs it.

Source: thrift-compact-protocol.md of Apache Thrift.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.testdata.traces.formats.wire import varint

_TRUE, _FALSE, _BYTE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 3, 5, 6, 8, 9, 12
_LONG_LIST = 15
_STOP = b"\0"


class Value(NamedTuple):
    """The type of a value, and its bytes."""

    kind: int
    data: bytes


def zigzag(value: int) -> int:
    """A signed number as one from 0 on: 0, -1, 1, -2 … as 0, 1, 2, 3 …"""
    return value << 1 if value >= 0 else (-value << 1) - 1


def flag(value: bool) -> Value:
    """A truth value of a struct."""
    return Value(_TRUE if value else _FALSE, b"")


def i8(value: int) -> Value:
    """A number from 0 to 127."""
    return Value(_BYTE, bytes([value]))


def i32(value: int) -> Value:
    """A number of 32 bits, or of an enumeration."""
    return Value(_I32, varint(zigzag(value)))


def i64(value: int) -> Value:
    """A number of 64 bits."""
    return Value(_I64, varint(zigzag(value)))


def binary(value: bytes) -> Value:
    """Bytes."""
    return Value(_BINARY, varint(len(value)) + value)


def text(value: str) -> Value:
    """A text, in UTF-8."""
    return binary(value.encode())


def structs(values: Sequence[Value]) -> Value:
    """A list of structs."""
    return _listing(_STRUCT, values)


def texts(values: Sequence[str]) -> Value:
    """A list of texts."""
    return _listing(_BINARY, [text(value) for value in values])


def numbers(values: Sequence[int]) -> Value:
    """A list of numbers of 32 bits, or of an enumeration."""
    return _listing(_I32, [i32(value) for value in values])


def struct(fields: Mapping[int, Value | None]) -> Value:
    """A struct of fields by their numbers, which ascend by 15 at most; without those that are None."""
    data, before = bytearray(), 0
    for number, value in fields.items():
        if value is not None:
            data.append((number - before) << 4 | value.kind)
            data += value.data
            before = number
    return Value(_STRUCT, bytes(data) + _STOP)


def _listing(kind: int, values: Sequence[Value]) -> Value:
    size = len(values)
    head = bytes([size << 4 | kind]) if size < _LONG_LIST else bytes([_LONG_LIST << 4 | kind]) + varint(size)
    return Value(_LIST, head + b"".join(value.data for value in values))
