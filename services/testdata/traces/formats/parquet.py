"""Parquet files, written by pyarrow with encodings that every common reader reads (ADR 0017)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from services.testdata.traces.formats.arrow import Batches
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.schema import COLUMNS, Calls, Kind

ROW_GROUP = 1 << 20
"""Calls in a row group."""
_DICTIONARY_BYTES = 1 << 24
"""Larger dictionaries fall back to plain texts. pyarrow's limit, 1 MiB, is too small for many parameter values."""


def write_parquet(chain: Chain, blocks: Iterable[Calls], sink: IO[bytes], metadata: Mapping[str, str]) -> None:
    """Write blocks of calls as one Parquet file. The bytes do not depend on how the calls are cut into blocks.

    metadata: key-value metadata of the file. Memory: the calls of one row group, about 50 MB. Raises what the sink
    raises.
    """
    batches = Batches(chain)
    with pq.ParquetWriter(
        sink,
        batches.schema.with_metadata(dict(metadata)),
        compression="zstd",
        compression_level=1,
        use_dictionary=[column.name for column in COLUMNS if column.kind is Kind.TEXT or column.repeats],
        # Leave out other columns: statistics of dictionaries cost 1.8 times the encoding.
        write_statistics=[column.name for column in COLUMNS if column.bounds],
        write_batch_size=1 << 16,
        dictionary_pagesize_limit=_DICTIONARY_BYTES,
    ) as writer:
        for group in _row_groups(map(batches.batch, blocks)):
            writer.write_table(pa.Table.from_batches(group), ROW_GROUP)


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Group the calls by ROW_GROUP, without a copy; the last group may be smaller."""
    group: list[pa.RecordBatch] = []
    room = ROW_GROUP
    for batch in batches:
        offset = 0
        while offset < batch.num_rows:
            group.append(batch.slice(offset, room))
            offset += group[-1].num_rows
            room -= group[-1].num_rows
            if not room:
                yield group
                group, room = [], ROW_GROUP
    if group:
        yield group
