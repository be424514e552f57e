"""ROWS: the repeated field `rows` of a response in the wire format of protobuf, without a message object per record.

The bytes equal those of the generated classes `Record` and `RecordValue`.
"""

from collections.abc import Sequence
from typing import Any, assert_never

import numpy as np

from services.testdata.records.formats.parts import NULL, How, Kept, Part, Writer, put_value
from services.testdata.records.formats.text import HOWS, duration, masked
from services.testdata.records.tables import Column, Numbers, Serials, Strings, Table, Texts, Uuids
from services.testdata.traces.formats.texts import put_bytes, put_text, put_varint, varint_size
from services.testdata.traces.formats.wire import BYTES, FIXED_64, VARINT, bytes_field, tag
from services.testdata.traces.generation.jit import kernel
from shared.model.packs.model import FieldType

_VALUE, _TEXT_TAG, _INTEGER, _NUMBER, _BOOLEAN = (
    tag(1, BYTES),
    tag(1, BYTES),
    tag(2, VARINT),
    tag(3, FIXED_64),
    tag(4, VARINT),
)
_NULL_VALUE = bytes_field(1, b"")
_ROW_ROOM = 12
"""The most bytes before a record, or before a text."""
_EMPTY = Strings.of(["", "", ""])


class RowsEncoder:
    """Writes tables of one entity. field: the number of the repeated field."""

    def __init__(self, field: int = 1) -> None:
        self._tag = tag(field, BYTES)
        self._writer = Writer()
        self._kept = Kept()

    def beginning(self) -> bytes:
        """Nothing: the bytes of repeated fields can be concatenated."""
        return b""

    def encode(self, table: Table) -> bytes:
        """The records of a table."""
        if not table.rows:
            return b""
        parts = [self._part(column) for column in table.columns.values()]
        room = self._writer.room(parts) + table.rows * _ROW_ROOM * (1 + len(parts))
        out, ends = np.empty(room, np.uint8), np.empty(table.rows, np.int64)
        _write(out, ends, self._tag, *self._writer.arrays(parts))
        return out[: ends[-1]].tobytes()

    def ending(self) -> bytes:
        """Nothing."""
        return b""

    def _part(self, column: Column) -> Part:
        match column:
            case Numbers():
                return self._number(column)
            case Uuids():
                return Part(How.UUID, masked(column.high.view(np.int64), column.known), _EMPTY, lows=column.low)
            case Serials():
                numbers = [f"{column.prefix}{number:0{column.width}d}" for number in column.numbers.tolist()]
                return self._own(Strings.of(numbers), np.arange(len(numbers), dtype=np.int64), column)
            case Texts():
                if column.distinct:
                    return self._own(column.strings, np.arange(len(column), dtype=np.int64), column)
                return self._text(column.codes, self._kept.get(column.strings, lambda: _values(column.strings)), column)
            case _:
                assert_never(column)

    def _text(self, codes: Any, texts: Strings, column: Column) -> Part:
        values = codes.astype(np.int64)
        if column.known is not None:
            values[~column.known] = len(texts) - 1
        return Part(How.TEXT, values, texts)

    def _own(self, own: Strings, places: Any, column: Column) -> Part:
        return Part(How.ROW, masked(places, column.known), _EMPTY, own=own)

    def _number(self, column: Numbers) -> Part:
        if column.type is FieldType.BOOLEAN:
            return self._text(column.values, _TRUTHS, column)
        if column.type is FieldType.DURATION:
            different, places = np.unique(column.values, return_inverse=True)
            return self._own(Strings.of([duration(value) for value in different.tolist()]), places, column)
        if column.values.dtype == np.float64:
            return Part(How.REAL, masked(column.values.view(np.int64), column.known), _EMPTY)
        return Part(HOWS.get(column.type, How.WHOLE), masked(column.values, column.known), _EMPTY)


def _strings(texts: Sequence[bytes]) -> Strings:
    return Strings(np.frombuffer(b"".join(texts), np.uint8), np.cumsum([0, *map(len, texts)], dtype=np.int64))


def _values(strings: Strings) -> Strings:
    """The texts as values, and null."""
    return _strings([*(bytes_field(1, bytes_field(1, text.encode())) for text in strings.texts), _NULL_VALUE])


_TRUTHS = _strings([*(bytes_field(1, bytes([_BOOLEAN, truth])) for truth in (0, 1)), _NULL_VALUE])
_TEXT, _ROW, _WHOLE, _REAL = map(int, (How.TEXT, How.ROW, How.WHOLE, How.REAL))
_NULL = np.int64(NULL)


@kernel
def _put_head(out, at, head, size):  # type: ignore[no-untyped-def]
    """Write a tag and a length."""
    out[at] = head
    return put_varint(out, at + 1, size)


@kernel
def _put_moved(out, head, body, at, field):  # type: ignore[no-untyped-def]
    """Write tag and length at `head` before what stands from `body` to `at`, moved so that it follows."""
    size = at - body
    to = head + 1 + varint_size(size)
    if to < body:
        for place in range(size):
            out[to + place] = out[body + place]
    elif to > body:
        for place in range(size - 1, -1, -1):
            out[to + place] = out[body + place]
    _put_head(out, head, field, size)
    return to + size


@kernel
def _write(out, ends, field, hows, digits, values, lows, low_rows, blob, starts, tables, own_blob, own_starts):  # type: ignore[no-untyped-def]
    bits = values.view(np.uint8).reshape(values.shape[0], -1)
    at, gap = 0, 3
    for row in range(values.shape[1]):
        head = at
        body = head + gap
        at = body
        for part in range(len(hows)):
            how, value = hows[part], values[part, row]
            if how == _TEXT:
                at = put_text(out, at, blob, starts, tables[part] + value)
            elif value == _NULL:
                out[at], out[at + 1] = _VALUE, 0
                at += 2
            elif how == _ROW:
                size = own_starts[value + 1] - own_starts[value]
                at = _put_head(out, at, _VALUE, 1 + varint_size(size) + size)
                at = _put_head(out, at, _TEXT_TAG, size)
                at = put_text(out, at, own_blob, own_starts, value)
            elif how == _WHOLE:
                zigzag = np.uint64(value << 1) ^ np.uint64(value >> 63)
                out[at], out[at + 1], out[at + 2] = _VALUE, 1 + varint_size(zigzag), _INTEGER
                at = put_varint(out, at + 3, zigzag)
            elif how == _REAL:
                out[at], out[at + 1], out[at + 2] = _VALUE, 9, _NUMBER
                at = put_bytes(out, at + 3, bits[part], row, 8)
            else:
                end = put_value(out, at + 4, how, value, lows[low_rows[part], row], digits[part])
                out[at], out[at + 1], out[at + 2], out[at + 3] = _VALUE, end - at - 2, _TEXT_TAG, end - at - 4
                at = end
        # Most records need as many bytes for their length as the last.
        gap = 1 + varint_size(at - body)
        at = _put_moved(out, head, body, at, field)
        ends[row] = at
