"""A JSON object a line and call."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from services.testdata.traces.learning.formats import LogFormat
from services.testdata.traces.learning.logs.columns import columns_of, raw_rows
from services.testdata.traces.learning.logs.lines import ROWS, lines
from services.testdata.traces.learning.report import Report
from services.testdata.traces.learning.rows import RawRows


def read_jsonl(stream: BinaryIO, log_format: LogFormat, report: Report) -> Iterator[RawRows]:
    """Its rows. The first 65,536 have every column that is asked for. Raises LogColumnMissing. Counts BAD_LINE."""
    present: set[str] = set()
    for row, records in _batches(stream, report):
        present.update(*records)
        columns = columns_of(log_format, sorted(present), report)
        found = {name: _column([record.get(name) for record in records]) for name in columns.values()}
        for role in ("session", "endpoint"):
            # They may be numbers here and texts in the next lines.
            found[columns[role]] = found[columns[role]].cast(pa.string())
        yield raw_rows(np.array(row, np.int64), columns, found.__getitem__)


def _batches(stream: BinaryIO, report: Report) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
    row: list[int] = []
    records: list[dict[str, Any]] = []
    for number, line in lines(stream, report):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            report.skip("BAD_LINE", number)
            continue
        row.append(number)
        records.append(record)
        if len(row) == ROWS:
            yield row, records
            row, records = [], []
    if row:
        yield row, records


def _column(values: list[Any]) -> pa.Array:
    """Values of one type as they are, and of several types as text."""
    try:
        column = pa.array(values)
        if not pa.types.is_nested(column.type):
            return column
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        pass
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: object) -> str | None:
    """A value as the text that it would be in CSV; lone surrogates, which are no text, become question marks."""
    if value is None:
        return None
    return (value if isinstance(value, str) else str(value)).encode(errors="replace").decode()
