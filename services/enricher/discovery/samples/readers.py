"""Sample rows in files: CSV, JSONL and Parquet."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.enricher.discovery.errors import SourceUnreadable
from services.enricher.discovery.model import Found, NotRead, Sample, Source
from services.enricher.discovery.names import unique_name

MAX_ROWS = 200_000
"""The most rows that are read of a file; so many show every rule that can be shown."""
MAX_COLUMNS = 2_000
MAX_CELLS = 4_000_000
_BATCH = 10_000


def read_csv(source: Source, text: str) -> Found:
    """Rows of a CSV file with a header. An empty cell is a missing value. Raises SourceUnreadable."""
    csv.field_size_limit(1 << 22)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    not_read: list[NotRead] = []
    try:
        header = next(reader, [])
        if not any(name.strip() for name in header) or len(header) > MAX_COLUMNS:
            raise SourceUnreadable(file=source.file, kind="CSV", why="line 1 has no names of columns, or too many")
        rows: list[list[str | None]] = []
        most = _most_rows(len(header))
        for row in reader:
            if len(rows) >= most:
                not_read.append(_rest(source, f"line {reader.line_num}", most))
                break
            if len(row) == len(header):
                rows.append([cell or None for cell in row])
            elif row:
                reason = f"The row has {len(row)} cells, and the header has {len(header)}."
                not_read.append(NotRead(f"{source.file}: line {reader.line_num}", ",".join(row), reason))
    except csv.Error as error:
        why = f"line {reader.line_num}: {error}"
        raise SourceUnreadable(file=source.file, kind="CSV", why=why) from None
    columns: dict[str, list[Any]] = {}
    for number, name in enumerate(header):
        columns[unique_name(name.lstrip("\ufeff"), columns)] = [row[number] for row in rows]
    return _found(source, columns, not_read, typed=False)


def read_jsonl(source: Source, text: str) -> Found:
    """Rows of a JSONL file, one object a line. A key that a row lacks is a missing value. Raises SourceUnreadable."""
    not_read: list[NotRead] = []
    rows: list[dict[str, Any]] = []
    names: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if len(rows) >= _most_rows(len(names)):
            not_read.append(_rest(source, f"line {number}", len(rows)))
            break
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            not_read.append(NotRead(f"{source.file}: line {number}", line, "The line is no JSON."))
            continue
        if not isinstance(row, dict):
            not_read.append(NotRead(f"{source.file}: line {number}", line, "The line is no object."))
            continue
        rows.append(row)
        names.update(dict.fromkeys(row))
        if len(names) > MAX_COLUMNS:
            raise SourceUnreadable(file=source.file, kind="JSONL", why=f"its rows have more than {MAX_COLUMNS:,} keys")
    if not rows:
        raise SourceUnreadable(file=source.file, kind="JSONL", why="no line is a JSON object")
    columns: dict[str, list[Any]] = {}
    for name in names:
        columns[unique_name(name, columns)] = [row.get(name) for row in rows]
    return _found(source, columns, not_read)


def read_parquet(source: Source) -> Found:
    """Rows of a Parquet file. Raises SourceUnreadable."""
    not_read: list[NotRead] = []
    try:
        file = pq.ParquetFile(io.BytesIO(source.data))
        if len(file.schema_arrow) > MAX_COLUMNS:
            raise SourceUnreadable(file=source.file, kind="Parquet", why=f"it has more than {MAX_COLUMNS:,} columns")
        most = _most_rows(len(file.schema_arrow))
        columns: dict[str, list[Any]] = {}
        for name in file.schema_arrow.names:
            columns[unique_name(name, columns)] = []
        read = 0
        for batch in file.iter_batches(batch_size=_BATCH):
            for column, values in zip(columns.values(), batch.slice(0, most - read).columns, strict=True):
                column.extend(values.to_pylist())
            read = min(most, read + batch.num_rows)
            if read >= most:
                break
        if file.metadata.num_rows > read:
            not_read.append(_rest(source, f"row {read + 1}", most))
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        why = str(error).splitlines()[0][:200] if str(error) else "it is damaged"
        raise SourceUnreadable(file=source.file, kind="Parquet", why=why) from None
    return _found(source, columns, not_read)


def _most_rows(columns: int) -> int:
    return min(MAX_ROWS, max(1, MAX_CELLS // max(columns, 1)))


def _rest(source: Source, place: str, most: int) -> NotRead:
    return NotRead(f"{source.file}: {place}", "all further rows", f"Up to {most:,} rows are read; more show no more.")


def _found(source: Source, columns: dict[str, list[Any]], not_read: Sequence[NotRead], *, typed: bool = True) -> Found:
    if not columns:
        raise SourceUnreadable(file=source.file, kind=str(source.kind), why="it has no columns")
    entity = source.entity or unique_name(PurePath(source.file).name.split(".")[0] or "record")
    return Found(samples=(Sample(entity, columns, source.file, typed),), not_read=tuple(not_read))


def _delimiter(text: str) -> str:
    """The one of comma, semicolon and tab that the header has most of."""
    header = next(_lines(text), "")
    return max(",;\t", key=header.count)


def _lines(text: str) -> Iterator[str]:
    yield from text[: 1 << 20].splitlines()[:1]
