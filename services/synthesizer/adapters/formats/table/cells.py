"""Reads the rows of a table from a file: CSV with any common delimiter, JSONL or Parquet, as its beginning tells."""

import csv
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import TextIOWrapper
from typing import Any, BinaryIO, NamedTuple, TextIO

from services.synthesizer.adapters.formats.fields import BadLine, parsed
from shared.limits import MAX_LINE

_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR = re.compile(r"sep=(.)\s*")
"""The first line of CSV files that tell Excel their delimiter."""
_PIECE = 1 << 20

Open = Callable[[], BinaryIO]
"""Opens the file for reading."""
Cells = Mapping[str, Any]
"""The cells of a row by the name of the column: text, numbers, None, dates and times."""


class Row(NamedTuple):
    """A row, or why it cannot be read. line: where it begins, from 1; in Parquet the number of the row."""

    line: int
    cells: Cells | BadLine


class Table(NamedTuple):
    """names: of the columns. rows: in the order of the file. note: what was assumed about the file, if anything."""

    names: Sequence[str]
    rows: Iterator[Row]
    note: Row | None = None


def read_table(open_file: Open) -> Table:
    """Open a table. Raises BadLine if it has no rows, or is not a table."""
    with open_file() as file:
        begin = file.read(_PIECE)
    if begin.startswith(b"PAR1"):
        # Few imports need Arrow, which takes a worker a third of a second.
        from services.synthesizer.adapters.formats.table.parquet import read_parquet

        return Table(*read_parquet(open_file()))
    if not begin.strip(b"\xef\xbb\xbf \t\r\n"):
        raise BadLine("EMPTY_FILE", "The file is empty; it should have one message a row.")
    return _jsonl(open_file) if begin.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else _csv(open_file)


def _jsonl(open_file: Open) -> Table:
    rows = _json_rows(open_file)
    names = next((list(row.cells) for row in rows if not isinstance(row.cells, BadLine)), [])
    return Table(names, _json_rows(open_file))


def _json_rows(open_file: Open) -> Iterator[Row]:
    with open_file() as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            try:
                yield Row(number, parsed(_whole(line, file)))
            except BadLine as bad:
                yield Row(number, bad)


def _whole(line: bytes, file: BinaryIO) -> bytes:
    """The line. If it is too long, skip the rest of it and raise BadLine."""
    if len(line) <= MAX_LINE:
        return line
    while line and not line.endswith(b"\n"):
        line = file.readline(_PIECE)
    raise BadLine("LINE_TOO_LONG", f"The line has more than {MAX_LINE:,} bytes; make it shorter.")


def _csv(open_file: Open) -> Table:
    encoding, note = _encoding(open_file)
    rows = _csv_rows(open_file, encoding)
    names = next(rows).cells
    if isinstance(names, BadLine):
        raise names
    return Table(list(names), rows, note)


def _encoding(open_file: Open) -> tuple[str, Row | None]:
    """UTF-8, or Windows-1252 with a note on the first line that is not UTF-8."""
    decoder, line = getincrementaldecoder("utf-8")(), 1
    with open_file() as file:
        while piece := file.read(_PIECE):
            try:
                line += decoder.decode(piece).count("\n")
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                sentence = "The line is not UTF-8, so the file was read as Windows-1252."
                return "cp1252", Row(line, BadLine("NOT_UTF8", sentence))
    return "utf-8-sig", None


def _delimiter(header: str) -> str:
    """What divides the header most."""
    return max(_DELIMITERS, key=lambda one: len(next(csv.reader([header], delimiter=one), [])))


def names_in(begin: bytes) -> list[str]:
    """The names of columns in the first line of a CSV file; Windows-1252 is read well enough to recognise them."""
    first, _, rest = begin.decode("utf-8-sig", "replace").partition("\n")
    if told := _SEPARATOR.fullmatch(first):
        return next(csv.reader([rest.partition("\n")[0]], delimiter=told[1]), [])
    return next(csv.reader([first], delimiter=_delimiter(first)), [])


def _csv_rows(open_file: Open, encoding: str) -> Iterator[Row]:
    """The header as cells without values, then the rows."""
    csv.field_size_limit(MAX_LINE)
    with TextIOWrapper(open_file(), encoding, errors="replace", newline="") as file:
        first = file.readline(_PIECE)
        told = _SEPARATOR.fullmatch(first)
        start = file.tell() if told else 0
        delimiter = told[1] if told else _delimiter(first)
        file.seek(start)
        lines = _Lines(file, 1 if told else 0)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        names: list[str] | None = None
        while True:
            line = lines.number + 1
            try:
                cells = next(reader)
                if lines.too_long:
                    raise BadLine("LINE_TOO_LONG", f"The line has more than {MAX_LINE:,} bytes; make it shorter.")
                if names is None:
                    names = [name.strip() for name in cells]
                    yield Row(line, dict.fromkeys(names))
                elif len(cells) > len(names):
                    raise BadLine("TOO_MANY", f"The row has {len(cells)} cells; the header has {len(names)}.")
                elif cells:
                    yield Row(line, dict(zip(names, cells, strict=False)))
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, BadLine("BAD_CSV", f"The row is not CSV: {error}."))
                names = names or []
            except BadLine as bad:
                yield Row(line, bad)


class _Lines:
    """The lines of a text file, each cut to MAX_LINE characters.

    number: of the last line. too_long: True if a line of the row was cut; reset by the row after it.
    """

    def __init__(self, file: TextIO, number: int) -> None:
        self._file = file
        self.number = number
        self.too_long = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.too_long = len(line) > MAX_LINE
        rest = line
        while self.too_long and rest and not rest.endswith(("\n", "\r")):
            rest = self._file.readline(_PIECE)
        return line[:MAX_LINE]
