"""JSONL: one JSON object per call."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from services.testdata.traces.learn.report import Report
from services.testdata.traces.learn.rows import RawRows
from services.testdata.traces.logs.columns import columns_of, names_of, raw_rows
from services.testdata.traces.logs.formats import LogFormat
from services.testdata.traces.logs.lines import ROWS, lines

_BYTES = 16 << 20
"""A batch of rows ends with the line that reaches this many bytes, or ROWS."""
_COLUMNS = 10_000
"""After so many names of columns, only those that learning needs are remembered."""


def read_jsonl(stream: BinaryIO, log_format: LogFormat, report: Report) -> Iterator[RawRows]:
    """Read rows. A column must occur in the first 65,536 rows or 16 MiB. Raises LogColumnMissing. Counts BAD_LINE."""
    present: dict[str, None] = {}
    wanted = names_of(log_format)
    for row, records in _batches(stream, wanted, present, report):
        columns = columns_of(log_format, sorted(present), report)
        found = {name: _column([record.get(name) for record in records]) for name in columns.values()}
        for role in ("session", "endpoint"):
            # A column may hold numbers here and texts in later lines.
            found[columns[role]] = found[columns[role]].cast(pa.string())
        yield raw_rows(np.array(row, np.int64), columns, found.__getitem__)


def _batches(
    stream: BinaryIO, wanted: frozenset[str], present: dict[str, None], report: Report
) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
    """Row numbers, and the wanted values of these rows. Adds the names of columns to `present`."""
    row: list[int] = []
    records: list[dict[str, Any]] = []
    size = 0
    for number, line in lines(stream, report):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            report.skip("BAD_LINE", number)
            continue
        present.update(dict.fromkeys(record if len(present) < _COLUMNS else wanted & record.keys()))
        row.append(number)
        # Other values may take fifty times the bytes of the line, so they are not held.
        records.append({name: _plain(value) for name in wanted if (value := record.get(name)) is not None})
        size += len(line)
        if len(row) == ROWS or size > _BYTES:
            yield row, records
            row, records, size = [], [], 0
    if row:
        yield row, records


def _plain(value: Any) -> Any:
    """The value; objects and arrays as text."""
    return _text(value) if isinstance(value, dict | list) else value


def _column(values: list[Any]) -> pa.Array:
    """Values of one type unchanged; values of several types as text."""
    try:
        column = pa.array(values)
        if not pa.types.is_nested(column.type):
            return column
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        pass
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: object) -> str | None:
    """A value as text. Lone surrogates become question marks."""
    if value is None:
        return None
    return (value if isinstance(value, str) else str(value)).encode(errors="replace").decode()
