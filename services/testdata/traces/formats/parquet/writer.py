"""A Parquet file of calls, a row group at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import IO

import pyarrow as pa

from services.testdata.traces.formats.arrow import Batches
from services.testdata.traces.formats.columns import joined, part
from services.testdata.traces.formats.parquet.columns import Column, columns
from services.testdata.traces.formats.parquet.encoders import PAGE, Scratch
from services.testdata.traces.formats.parquet.kernels import Kernel, load
from services.testdata.traces.formats.parquet.layout import MAGIC, footer, row_group
from services.testdata.traces.formats.parquet.pages import Pages
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

    metadata: what the file says of itself, beside the schema. What is encoded of a row group is held until it is whole;
    that is about 10 MB. Raises what the sink raises.
    """
    file = _File(columns(chain), load(kernel), sink)
    for page in _pages(blocks):
        file.add(page)
    file.close(_schema(chain).with_metadata(dict(metadata)))


@lru_cache(maxsize=2)
def _schema(chain: Chain) -> pa.Schema:
    return Batches(chain).schema


class _File:
    """What has been written, and the pages of the row group that is not whole yet."""

    def __init__(self, columns: Sequence[Column], kernel: Kernel, sink: IO[bytes]) -> None:
        self._columns, self._kernel, self._sink = columns, kernel, sink
        self._fields = [column.field for column in columns]
        self._row_groups: list[Value] = []
        self._scratch = Scratch()
        self._rows = self._offset = 0
        self._write(MAGIC)
        self._begin()

    def add(self, page: Calls) -> None:
        """Add calls, which are PAGE if any come after them."""
        for column in self._pages:
            column.add(page, self._scratch)
        self._held += len(page)
        if self._held == ROW_GROUP:
            self._end()
            self._begin()

    def close(self, schema: pa.Schema) -> None:
        """Write what is left. schema: Arrow's, with the file's metadata."""
        if self._held:
            self._end()
        self._write(footer(self._fields, schema, self._row_groups, self._rows))

    def _begin(self) -> None:
        self._held = 0
        self._pages = [Pages(column, self._kernel) for column in self._columns]

    def _end(self) -> None:
        chunks = [pages.chunk() for pages in self._pages]
        self._row_groups.append(row_group(self._fields, chunks, self._held, self._offset))
        for chunk in chunks:
            for piece in chunk.pieces():
                self._write(piece)
        self._rows += self._held

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._offset += len(data)


def _pages(blocks: Iterable[Calls]) -> Iterator[Calls]:
    """The same calls by PAGE; the last may be fewer."""
    held: list[Calls] = []
    left = PAGE
    for block in blocks:
        taken = 0
        while taken < len(block):
            held.append(part(block, taken, taken + left))
            taken += len(held[-1])
            left -= len(held[-1])
            if not left:
                yield joined(held)
                held, left = [], PAGE
    if held:
        yield joined(held)
