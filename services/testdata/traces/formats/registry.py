"""The formats. A new one is a file beside this, and a line here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Protocol

from services.testdata.traces.formats import Format
from services.testdata.traces.formats.arrow import ArrowStream
from services.testdata.traces.formats.otlp import Otlp
from services.testdata.traces.formats.parquet import write_parquet
from services.testdata.traces.formats.rows import Rows
from services.testdata.traces.formats.text import csv_lines, json_lines
from services.testdata.traces.generation.calls import Calls
from services.testdata.traces.generation.chain import Chain


class Encoder(Protocol):
    """Turns calls of one chain into bytes, of which any number may follow each other."""

    def beginning(self) -> bytes:
        """What comes before the first calls, such as a header."""
        ...

    def encode(self, calls: Calls, before: int = 0) -> bytes:
        """The calls. before: how many calls of the first one's session came before it."""
        ...


WriteFile = Callable[[Chain, Iterable[Calls], IO[bytes], Mapping[str, str]], None]
"""Writes blocks of whole sessions as one file. The last argument is what the file says of itself, if it can."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a format can do. encoder: streams. write: files, as Parquet can only be written whole."""

    encoder: Callable[[Chain], Encoder] | None = None
    write: WriteFile | None = None


FORMATS: dict[Format, Entry] = {
    Format.ROWS: Entry(encoder=Rows),
    Format.ARROW_IPC: Entry(encoder=ArrowStream),
    Format.JSONL: Entry(encoder=json_lines),
    Format.CSV: Entry(encoder=csv_lines),
    Format.OTLP: Entry(encoder=Otlp),
    Format.PARQUET: Entry(write=write_parquet),
}
