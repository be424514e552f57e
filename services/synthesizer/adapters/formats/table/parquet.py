"""Tables in Parquet."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from services.synthesizer.adapters.formats.fields import BadLine
from services.synthesizer.adapters.formats.table.cells import Row

_ROWS = 1_024
"""Rows to read at once."""


def read_parquet(opened: BinaryIO) -> tuple[Sequence[str], Iterator[Row]]:
    """The names of the columns, and the rows. Raises BadLine, also while rows are read."""
    try:
        file = pq.ParquetFile(opened)
        return list(file.schema_arrow.names), _rows(file)
    except MemoryError:
        raise  # Arrow's is an ArrowException, too
    except (pa.ArrowException, OSError) as error:
        raise _damaged() from error


def _rows(file: pq.ParquetFile) -> Iterator[Row]:
    number = 0
    try:
        for batch in file.iter_batches(_ROWS, use_threads=False):
            for cells in batch.cast(_whole_microseconds(batch.schema), safe=False).to_pylist():
                number += 1
                yield Row(number, cells)
    except MemoryError:
        raise  # Arrow's is an ArrowException, too
    except (pa.ArrowException, OSError) as error:
        raise _damaged() from error


def _whole_microseconds(schema: pa.Schema) -> pa.Schema:
    """Python's times have no nanoseconds."""
    return pa.schema(
        field.with_type(pa.timestamp("us", field.type.tz)) if pa.types.is_timestamp(field.type) else field
        for field in schema
    )


def _damaged() -> BadLine:
    return BadLine("BAD_PARQUET", "The file is damaged or not Parquet.")
