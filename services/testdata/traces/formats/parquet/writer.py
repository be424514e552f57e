"""A Parquet file of calls, a row group at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import IO

import pyarrow as pa

from services.testdata.traces.formats.arrow import Batches
from services.testdata.traces.formats.parquet import layout
from services.testdata.traces.formats.parquet.columns import Column, columns
from services.testdata.traces.formats.parquet.encoders import PAGE, Parts, Scratch
from services.testdata.traces.formats.parquet.kernels import Kernel, load
from services.testdata.traces.formats.parquet.layout import MAGIC
from services.testdata.traces.formats.parquet.pages import chunk
from services.testdata.traces.formats.parquet.thrift import Value
from services.testdata.traces.generation.calls import Calls
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.kernels import KernelName

ROW_GROUP = 1 << 20
"""Calls in a row group; a multiple of PAGE."""


def write_parquet(
    chain: Chain, blocks: Iterable[Calls], sink: IO[bytes], metadata: Mapping[str, str], kernel: KernelName = "numba"
) -> None:
    """Write blocks of calls as one Parquet file, whose bytes depend neither on how the calls are cut into blocks nor on
    the kernel.

    metadata: what the file says of itself, beside the schema. The calls of a row group are held until it is whole; they
    take about 50 MB. Raises what the sink raises.
    """
    file = _File(columns(chain), load(kernel), sink)
    for pages in _row_groups(blocks):
        file.add(pages)
    file.close(_schema(chain).with_metadata(dict(metadata)))


@lru_cache(maxsize=2)
def _schema(chain: Chain) -> pa.Schema:
    return Batches(chain).schema


class _File:
    """What has been written."""

    def __init__(self, columns: Sequence[Column], kernel: Kernel, sink: IO[bytes]) -> None:
        self._columns, self._kernel, self._sink = columns, kernel, sink
        self._scratch = Scratch()
        self._row_groups: list[Value] = []
        self._rows = self._offset = 0
        self._write(MAGIC)

    def add(self, pages: Sequence[Parts]) -> None:
        """One more row group. A column of all pages after the other, so that what it looks up stays in the cache."""
        rows, raw, begin = sum(len(calls) for parts in pages for calls in parts), 0, self._offset
        told: list[Value] = []
        for column in self._columns:
            encoded = chunk(column, self._kernel, pages, self._scratch)
            told.append(layout.column(column.field, encoded, rows, self._offset))
            raw += encoded.raw
            for page in encoded.all_pages():
                self._write(page.head)
                self._write(page.body)
        self._row_groups.append(layout.row_group(told, rows, raw, begin, self._offset))
        self._rows += rows

    def close(self, schema: pa.Schema) -> None:
        """Write the end. schema: Arrow's, with the file's metadata."""
        fields = [column.field for column in self._columns]
        self._write(layout.footer(fields, schema, self._row_groups, self._rows))

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._offset += len(data)


def _row_groups(blocks: Iterable[Calls]) -> Iterator[Sequence[Parts]]:
    """The same calls by ROW_GROUP in pages; the last may be fewer. A row group is gone when the next is asked for."""
    held: list[Parts] = []
    for page in _pages(blocks):
        held.append(page)
        if len(held) == ROW_GROUP // PAGE:
            yield held
            held.clear()
    if held:
        yield held


def _pages(blocks: Iterable[Calls]) -> Iterator[Parts]:
    """The same calls by PAGE; the last may be fewer. Nothing is copied."""
    held: list[Calls] = []
    left = PAGE
    for block in blocks:
        taken = 0
        while taken < len(block):
            held.append(block.part(taken, taken + left))
            taken += len(held[-1])
            left -= len(held[-1])
            if not left:
                yield held
                held, left = [], PAGE
    if held:
        yield held
