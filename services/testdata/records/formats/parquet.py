"""Parquet in pieces: row groups that are written apart, in any process, and the footer that makes them one file.

A row group is first written as a file of its own. Its bytes stand in the whole file as they are; in the footer its
offsets, which count from the beginning of the file, are moved. The footer is a struct of Thrift's compact protocol:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.testdata.records.formats import PARQUET_MAGIC
from services.testdata.records.formats.arrow import write_parquet
from services.testdata.records.tables import Table
from services.testdata.traces.formats.wire import varint

_LENGTH = 4
"""Bytes of the length of the footer."""
_BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 3, 7, 8, 9, 10, 12
_VARINTS = (4, 5, 6)
"""Types of values. A boolean (1 or 2) has no value besides its type."""
_LONG = 15
"""The size of a list that does not fit beside its type."""
_ROW_COUNT, _ROW_GROUPS = 3, 4
"""The fields of a footer that depend on the row groups; they follow each other."""
_OFFSETS: Mapping[int, Any] = {1: {2: None, 3: {9: None, 10: None, 11: None}}, 5: None}
"""The offsets in a row group, by number of field: its own, and those of its columns and of their pages."""


@dataclass(frozen=True, slots=True)
class RowGroups:
    """Row groups that stand next to each other in a file.

    data: their bytes. footer: that of a file which has nothing else.
    """

    data: bytes
    footer: bytes


def row_groups(tables: Sequence[Table]) -> RowGroups:
    """The row groups of one table or more of one entity."""
    sink = io.BytesIO()
    write_parquet(tables[0].part(0, 0), tables, sink, {})
    whole = sink.getvalue()
    end = len(whole) - len(PARQUET_MAGIC) - _LENGTH
    start = end - int.from_bytes(whole[end : end + _LENGTH], "little")
    return RowGroups(whole[len(PARQUET_MAGIC) : start], whole[start:end])


def ending(pieces: Iterable[tuple[int, bytes]]) -> bytes:
    """What follows the row groups of a file.

    pieces: one or more; of row groups that stand next to each other, how many bytes of the file precede them, and their
    footer.
    """
    read = [_Footer(footer, before - len(PARQUET_MAGIC)) for before, footer in pieces]
    rows, count = sum(one.rows for one in read), sum(one.count for one in read)
    size = bytes([count << 4 | _STRUCT]) if count < _LONG else bytes([_LONG << 4 | _STRUCT]) + varint(count)
    footer = b"".join(
        [
            read[0].head,
            bytes([read[0].row_count_tag]),
            varint(rows << 1),
            bytes([1 << 4 | _LIST]),
            size,
            *(one.groups for one in read),
            read[0].tail,
        ]
    )
    return footer + len(footer).to_bytes(_LENGTH, "little") + PARQUET_MAGIC


class _Footer:
    """A footer that is read.

    head, tail: its bytes before the number of rows and after the row groups. rows, count: of records and row groups.
    groups: the bytes of the row groups, with their offsets moved by `by`.
    """

    def __init__(self, data: bytes, by: int) -> None:
        self._data = data
        self._by = by
        self._at = 0
        self._copied = 0
        self._out: list[bytes] = []
        number = 0
        while number < _ROW_GROUPS:
            start = self._at
            kind, number = self._field(number)
            if number == _ROW_COUNT:
                self.head, self.row_count_tag = data[:start], data[start]
                self.rows = self._varint() >> 1
            elif number == _ROW_GROUPS:
                head = self._byte()
                self.count = head >> 4 if head >> 4 < _LONG else self._varint()
                self._copied = self._at
                for _ in range(self.count):
                    self._struct(_OFFSETS)
            else:
                self._value(kind, {})
        self.groups = b"".join([*self._out, data[self._copied : self._at]])
        self.tail = data[self._at :]

    def _struct(self, offsets: Mapping[int, Any]) -> None:
        """Read a struct. offsets: those of its fields that are offsets or have some."""
        number = 0
        while self._data[self._at]:
            kind, number = self._field(number)
            if number in offsets and offsets[number] is None:
                self._move()
            else:
                self._value(kind, offsets.get(number, {}))
        self._at += 1

    def _value(self, kind: int, offsets: Mapping[int, Any]) -> None:
        if kind == _STRUCT:
            self._struct(offsets)
        elif kind in _VARINTS:
            self._varint()
        elif kind == _BINARY:
            size = self._varint()
            self._at += size
        elif kind in (_LIST, _SET):
            head = self._byte()
            size = head >> 4 if head >> 4 < _LONG else self._varint()
            for _ in range(size):
                self._value(head & 15, offsets)
        else:
            self._at += {_BYTE: 1, _DOUBLE: 8}.get(kind, 0)

    def _move(self) -> None:
        """Read an offset and move it; 0 stands for none."""
        start = self._at
        read = self._varint() >> 1
        if read:
            self._out += [self._data[self._copied : start], varint((read + self._by) << 1)]
            self._copied = self._at

    def _field(self, before: int) -> tuple[int, int]:
        """(type, number) of the next field. before: the number of the field before it."""
        head = self._byte()
        return head & 15, before + (head >> 4) if head >> 4 else self._varint() >> 1

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]
