"""The formats. A new format is a file in this folder and a line here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Protocol

from services.testdata.traces.formats import Format
from services.testdata.traces.formats.arrow import ArrowStream
from services.testdata.traces.formats.otlp import Otlp
from services.testdata.traces.formats.parquet import write_parquet
from services.testdata.traces.formats.rows import rows
from services.testdata.traces.formats.text import csv_lines, json_lines
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.schema import Calls


class Encoder(Protocol):
    """Encodes calls of one chain. Encoded calls can be concatenated."""

    def beginning(self) -> bytes:
        """The bytes before the first call, such as a header."""
        ...

    def encode(self, calls: Calls, before: int = 0) -> bytes:
        """The encoded calls. before: the number of earlier calls of the first call's session."""
        ...


WriteFile = Callable[[Chain, Iterable[Calls], IO[bytes], Mapping[str, str]], None]
"""Writes blocks of whole sessions as one file. The last argument is the metadata of the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a format is written. encoder: for streams and files. write: for formats of files only."""

    encoder: Callable[[Chain], Encoder] | None = None
    write: WriteFile | None = None


FORMATS: dict[Format, Entry] = {
    Format.ROWS: Entry(encoder=rows),
    Format.ARROW_IPC: Entry(encoder=ArrowStream),
    Format.JSONL: Entry(encoder=json_lines),
    Format.CSV: Entry(encoder=csv_lines),
    Format.OTLP: Entry(encoder=Otlp),
    Format.PARQUET: Entry(write=write_parquet),
}
