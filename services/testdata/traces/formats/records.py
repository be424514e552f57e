"""Records: each call as the same sequence of parts. JSONL, CSV, ROWS and OTLP are lists of parts for one kernel."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from services.testdata.traces.formats.texts import (
    Texts,
    digits,
    put_decimal,
    put_number,
    put_text,
    put_time,
    put_varint,
    varint_size,
)
from services.testdata.traces.formats.wire import BYTES, VARINT, tag
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.schema import Calls, Column


class How(IntEnum):
    """How a value is written after its text."""

    TEXT = 0
    """The text that the code chooses, and nothing else."""
    NUMBER = 1
    """In decimal."""
    TIME = 2
    """As `2026-01-05T09:30:00.250Z`."""
    DECIMAL = 3
    """A 32-bit float in decimal."""
    VARINT = 4
    """A protobuf varint; nothing for 0. The text is its tag, one byte."""
    FIXED_32 = 5
    """A 32-bit float as 4 bytes; nothing for 0. The text is its tag."""
    ATTRIBUTE = 6
    """An OTLP attribute with a whole number; nothing for 0. The text is its key."""
    TEXT_ATTRIBUTE = 7
    """An OTLP attribute with a number as text. The text is its key."""


_ROOM = {How.TEXT: 0, How.TIME: 24, How.DECIMAL: 48}
"""The most bytes of a value; others have at most 32."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of each record.

    column: the column of the values; None for a constant.
    texts: for TEXT one for each code, otherwise only the text before the value.
    """

    column: Column | None
    how: How
    texts: Sequence[bytes]


class Records:
    """Writes calls as records."""

    def __init__(self, parts: Sequence[Part], field: int = 0, header: bytes = b"", end: bytes = b"") -> None:
        """header: the bytes before all records. field: a tag that precedes each record with its length; 0: none.
        end: the bytes after each record.
        """
        self._parts = _merged([*parts, Part(None, How.TEXT, [end])] if end else parts)
        self._field, self._header = field, header
        self._texts = Texts.of([part.texts for part in self._parts])
        self._hows = np.array([part.how for part in self._parts], np.int64)
        self._room = sum(_ROOM.get(part.how, 32) for part in self._parts) + (11 if field else 0)

    def beginning(self) -> bytes:
        """The header."""
        return self._header

    def encode(self, calls: Calls, before: int = 0) -> bytes:  # noqa: ARG002 - a record needs no other
        """The records of these calls."""
        data, starts = self.write(calls)
        return data[: starts[-1]].tobytes()

    def write(self, calls: Calls) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The records, and the offsets where they begin; the last offset is their end."""
        texts, count = self._texts, len(calls)
        values = np.zeros((len(self._parts), count), np.int64)
        for row, part in zip(values, self._parts, strict=True):
            if part.column is not None:
                array = part.column.of(calls)
                row[:] = array.view(np.int32) if array.dtype == np.float32 else array
        chosen = [row if part.how is How.TEXT else count for row, part in zip(values, self._parts, strict=True)]
        out = np.empty(texts.size(chosen) + count * self._room, np.uint8)
        record_starts = np.zeros(count + 1, np.int64)
        _write(out, record_starts, self._field, self._hows, values, texts.blob, texts.starts, texts.tables)
        return out, record_starts


def _merged(parts: Sequence[Part]) -> list[Part]:
    """The parts, with neighbouring texts that have the same codes as one part."""
    merged: list[Part] = []
    for part in parts:
        last = merged[-1] if merged else None
        if last and _codes(part) and _codes(part) == _codes(last):
            texts = [one + other for one, other in zip(last.texts, part.texts, strict=True)]
            merged[-1] = Part(last.column, How.TEXT, texts)
        else:
            merged.append(part)
    return merged


def _codes(part: Part) -> str:
    """The array that chooses the text of a part; empty if none does."""
    return part.column.codes if part.column and part.how is How.TEXT else ""


_TEXT, _NUMBER, _TIME, _DECIMAL, _VARINT, _FIXED_32, _ATTRIBUTE, _TEXT_ATTRIBUTE = map(int, How)
_SPAN_ATTRIBUTE, _VALUE, _STRING, _INT = tag(9, BYTES), tag(2, BYTES), tag(1, BYTES), tag(3, VARINT)


@kernel
def _put_head(out, head, end, field):  # type: ignore[no-untyped-def]
    """Write tag and length at `head`, before a body that begins two bytes later; returns the end of the body.

    Most bodies are shorter than 128 bytes; a longer one moves to make room for its length.
    """
    body = head + 2
    room = varint_size(end - body) - 1
    if room:
        for place in range(end - 1, body - 1, -1):
            out[place + room] = out[place]
    out[head] = field
    put_varint(out, head + 1, end - body)
    return end + room


@kernel
def _write(out, record_starts, field, hows, values, blob, starts, tables):  # type: ignore[no-untyped-def]
    at = 0
    for call in range(values.shape[1]):
        head = at
        if field != 0:
            at += 2
        for part in range(len(hows)):
            how, value, text = hows[part], values[part, call], tables[part]
            if how == _TEXT:
                at = put_text(out, at, blob, starts, text + value)
            elif how == _VARINT:
                if value != 0:
                    out[at] = blob[starts[text]]
                    at = put_varint(out, at + 1, value)
            elif how == _NUMBER:
                at = put_number(out, put_text(out, at, blob, starts, text), value)
            elif how == _DECIMAL:
                at = put_decimal(out, put_text(out, at, blob, starts, text), np.int32(value).view(np.float32))
            elif how == _TIME:
                at = put_time(out, put_text(out, at, blob, starts, text), value)
            elif how == _FIXED_32:
                if value != 0:
                    out[at] = blob[starts[text]]
                    for byte in range(4):
                        out[at + 1 + byte] = np.uint8(value >> 8 * byte & 255)
                    at += 5
            elif how == _ATTRIBUTE:
                if value != 0:
                    at = _put_attribute(out, at, blob, starts, text, value)
            else:
                at = _put_text_attribute(out, at, blob, starts, text, value)
        if field != 0:
            at = _put_head(out, head, at, field)
        record_starts[call + 1] = at


@kernel
def _put_attribute(out, at, blob, starts, key, value):  # type: ignore[no-untyped-def]
    """Write `attributes { key, value { int_value } }` of a span."""
    size = varint_size(value)
    out[at], out[at + 1] = _SPAN_ATTRIBUTE, starts[key + 1] - starts[key] + 3 + size
    at = put_text(out, at + 2, blob, starts, key)
    out[at], out[at + 1], out[at + 2] = _VALUE, 1 + size, _INT
    return put_varint(out, at + 3, value)


@kernel
def _put_text_attribute(out, at, blob, starts, key, value):  # type: ignore[no-untyped-def]
    """Write `attributes { key, value { string_value } }` of a span, with the number in decimal."""
    count = digits(value)
    out[at], out[at + 1] = _SPAN_ATTRIBUTE, starts[key + 1] - starts[key] + 4 + count
    at = put_text(out, at + 2, blob, starts, key)
    out[at], out[at + 1], out[at + 2], out[at + 3] = _VALUE, 2 + count, _STRING, count
    return put_number(out, at + 4, value)
