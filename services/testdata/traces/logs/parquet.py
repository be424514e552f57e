"""Parquet with one row per call."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.testdata.traces.learn.report import Report
from services.testdata.traces.learn.rows import RawRows
from services.testdata.traces.logs.columns import columns_of, raw_rows
from services.testdata.traces.logs.errors import LogMalformed
from services.testdata.traces.logs.formats import LogFormat

_ROWS = 1 << 16
"""Rows per batch."""


def read_parquet(stream: BinaryIO, log_format: LogFormat, report: Report) -> Iterator[RawRows]:
    """Read rows. Raises LogMalformed, LogColumnMissing, TooManyBytes."""
    try:
        file = pq.ParquetFile(stream)
        columns = columns_of(log_format, file.schema_arrow.names, report)
        names = sorted({*columns.values()})
        # A value of a dictionary may be repeated a million times in a few bytes, so read indices and not values.
        file = pq.ParquetFile(stream, metadata=file.metadata, read_dictionary=_texts(file.schema_arrow, names))
        for batch in file.iter_batches(_ROWS, columns=names, use_threads=False):
            report.budget.spend(sum(map(_decoded, batch.columns)))
            row = np.arange(report.row + 1, report.row + 1 + batch.num_rows, dtype=np.int64)
            report.row += batch.num_rows
            yield raw_rows(row, columns, batch.column)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise LogMalformed(
            file=report.file,
            kind="Parquet",
            place=report.place if report.row else "its beginning",
            why="the file is damaged or not Parquet",
        ) from error


def _texts(schema: pa.Schema, names: list[str]) -> list[str]:
    """The columns of texts."""
    return [name for name in names if pa.types.is_string(kind := schema.field(name).type) or pa.types.is_binary(kind)]


def _decoded(column: pa.Array) -> int:
    """The bytes of the values, those of a dictionary for each row that has them."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    try:
        lengths = pc.binary_length(column.dictionary)
    except pa.ArrowNotImplementedError:
        # A dictionary of numbers.
        return int(column.nbytes)
    return int(column.indices.nbytes) + (pc.sum(lengths.take(column.indices)).as_py() or 0)
