"""CSV with a header line and one row per call or event."""

import csv
from collections.abc import Iterator, Mapping
from functools import partial
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from services.testdata.traces.learn.report import Report
from services.testdata.traces.learn.rows import RawRows
from services.testdata.traces.logs.columns import columns_of, raw_rows
from services.testdata.traces.logs.errors import LogMalformed
from services.testdata.traces.logs.formats import LogFormat
from services.testdata.traces.logs.utf8 import Utf8, unmarked

_BLOCK = 4 << 20
"""Bytes per read, and the most bytes of a row."""


def read_csv(stream: BinaryIO, log_format: LogFormat, report: Report) -> Iterator[RawRows]:
    """Read rows; the header is row 1. Raises LogMalformed, LogColumnMissing. Counts BAD_ROW."""
    header = _header(stream, report)
    columns = columns_of(log_format, header, report)
    stream.seek(0)
    report.row = 1
    try:
        yield from _rows(stream, columns, report)
    except MemoryError:
        raise
    except pa.ArrowException as error:
        why = "it is not text in columns, or one of its rows is longer than 4 MiB"
        raise LogMalformed(file=report.file, kind="CSV", place=report.place, why=why) from error


def _header(stream: BinaryIO, report: Report) -> list[str]:
    try:
        first = (line.decode("utf-8-sig") for line in iter(lambda: stream.readline(_BLOCK), b""))
        return next(csv.reader(first, strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        why = "its header is not a line of UTF-8 text"
        raise LogMalformed(file=report.file, kind="CSV", place="its beginning", why=why) from error


def _rows(stream: BinaryIO, columns: Mapping[str, str], report: Report) -> Iterator[RawRows]:
    bad: list[int] = []

    def note(row: pyarrow.csv.InvalidRow) -> str:
        bad.append(row.number)
        report.skip("BAD_ROW", row.number)
        return "skip"

    names = sorted({*columns.values()})
    batches = pyarrow.csv.open_csv(
        Utf8(stream),
        pyarrow.csv.ReadOptions(block_size=_BLOCK, use_threads=False),  # with threads, Arrow gives no row numbers
        pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
        pyarrow.csv.ConvertOptions(include_columns=names, column_types=dict.fromkeys(names, pa.binary())),
    )
    for batch in batches:
        row = _numbers(report.row, batch.num_rows, bad)
        report.row = int(row[-1]) if len(row) else report.row
        yield raw_rows(row, columns, partial(_column, batch))


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    return unmarked(batch.column(name))


def _numbers(last: int, count: int, bad: list[int]) -> npt.NDArray[np.int64]:
    """The row numbers of the next `count` good rows after the last one. Forgets the bad rows before them."""
    row = np.arange(last + 1, last + 1 + count, dtype=np.int64)
    while bad and count and bad[0] <= row[-1]:
        row[row >= bad.pop(0)] += 1
    return row
