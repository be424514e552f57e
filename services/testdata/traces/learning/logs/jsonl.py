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
    """Its rows. Which columns there are, the first thousands say. Raises LogColumnMissing. Counts BAD_LINE."""
    columns: dict[str, str] = {}
    for row, records in _batches(stream, report):
        columns = columns or columns_of(log_format, sorted({key for record in records for key in record}), report)
        found = {
            name: pa.array([_text(record.get(name)) for record in records], pa.string()) for name in columns.values()
        }
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


def _text(value: object) -> str | None:
    """A value as the text that it would be in CSV; lone surrogates, which are no text, become question marks."""
    if value is None:
        return None
    return (value if isinstance(value, str) else str(value)).encode(errors="replace").decode()
