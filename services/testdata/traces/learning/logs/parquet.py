"""Parquet with a row a call."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from services.testdata.traces.learning.errors import LogMalformed
from services.testdata.traces.learning.formats import LogFormat
from services.testdata.traces.learning.logs.columns import columns_of, raw_rows
from services.testdata.traces.learning.report import Report
from services.testdata.traces.learning.rows import RawRows

_ROWS = 1 << 18


def read_parquet(stream: BinaryIO, log_format: LogFormat, report: Report) -> Iterator[RawRows]:
    """Its rows. Raises LogMalformed, LogColumnMissing."""
    try:
        file = pq.ParquetFile(stream)
        columns = columns_of(log_format, file.schema_arrow.names, report)
        for batch in file.iter_batches(_ROWS, columns=sorted({*columns.values()}), use_threads=False):
            row = np.arange(report.row + 1, report.row + 1 + batch.num_rows, dtype=np.int64)
            report.row += batch.num_rows
            yield raw_rows(row, columns, batch.column)
    except (pa.ArrowException, OSError) as error:
        raise LogMalformed(
            file=report.file,
            kind="Parquet",
            place=report.place if report.row else "its beginning",
            why="it is no Parquet file, or a damaged one",
        ) from error
