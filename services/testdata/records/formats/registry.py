"""The formats. A new format is a file in this folder and a line here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Protocol

import numpy as np

from services.testdata.records.formats import Format
from services.testdata.records.formats.arrow import ArrowStream, write_parquet
from services.testdata.records.formats.rows import RowsEncoder
from services.testdata.records.formats.text import csv_lines, json_array, json_lines, sql_inserts
from services.testdata.records.tables import Numbers, Strings, Table, Texts
from shared.model.packs.model import FieldType


class Encoder(Protocol):
    """Encodes records of one entity. Encoded tables can be concatenated, in the order of their rows."""

    def beginning(self) -> bytes:
        """The bytes before the first record, such as a header."""
        ...

    def encode(self, table: Table) -> bytes:
        """The encoded records of a table."""
        ...

    def ending(self) -> bytes:
        """The bytes after the last record."""
        ...


WriteFile = Callable[[Table, Iterable[Table], IO[bytes], Mapping[str, str]], None]
"""Writes tables as one file: a template, the tables, where to, and the metadata of the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a format is written. encoder: for streams and files. write: for formats of files only.

    Both need a template: a table of the entity with any rows, such as none.
    """

    encoder: Callable[[Table], Encoder] | None = None
    write: WriteFile | None = None


FORMATS: dict[Format, Entry] = {
    Format.ROWS: Entry(encoder=lambda _: RowsEncoder()),
    Format.JSON: Entry(encoder=json_array),
    Format.JSONL: Entry(encoder=json_lines),
    Format.CSV: Entry(encoder=csv_lines),
    Format.SQL: Entry(encoder=sql_inserts),
    Format.PARQUET: Entry(write=write_parquet),
    Format.ARROW_IPC: Entry(encoder=ArrowStream),
}


def compile_formats() -> None:
    """Compile all kernels, so that no first call waits for them."""
    values = np.zeros(1, np.int64)
    table = Table(
        "x",
        {
            "number": Numbers(type=FieldType.INTEGER, values=values),
            "text": Texts(type=FieldType.TEXT, strings=Strings.of(["a"]), codes=values.astype(np.int32)),
        },
        1,
    )
    for entry in FORMATS.values():
        if entry.encoder is not None:
            entry.encoder(table).encode(table)
