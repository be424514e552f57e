"""The pages of one column of a row group."""

from functools import lru_cache

import pyarrow as pa

from services.testdata.traces.formats.parquet.columns import Column
from services.testdata.traces.formats.parquet.encoders import Plain, Scratch
from services.testdata.traces.formats.parquet.kernels import Kernel
from services.testdata.traces.formats.parquet.layout import (
    Chunk,
    Codec,
    Encoding,
    Page,
    data_page_head,
    dictionary_page_head,
)
from services.testdata.traces.generation.calls import Calls

_ZSTD = pa.Codec("zstd", compression_level=1)
"""Higher levels take several times as long, for a few per cent."""


class Pages:
    """Gathers them."""

    def __init__(self, column: Column, kernel: Kernel) -> None:
        self._codec, self._encoder = column.codec, column.encoder(kernel)
        self._pages: list[Page] = []

    def add(self, calls: Calls, scratch: Scratch) -> None:
        """One more page of calls."""
        encoding, encoded = self._encoder.page(calls, scratch)
        body = _written(encoded.data, self._codec)
        head = data_page_head(len(calls), encoding, len(encoded), len(body))
        self._pages.append(Page(head, body, encoding, len(encoded)))

    def chunk(self) -> Chunk:
        """All of them, after their dictionary."""
        values = self._encoder.dictionary()
        dictionary = None if values is None else _dictionary_page(values, self._codec)
        return Chunk(dictionary, self._pages, self._codec, self._encoder.bounds)


# Those of texts are the same in every row group.
@lru_cache(maxsize=8)
def _dictionary_page(values: Plain, codec: Codec) -> Page:
    body = _written(values.data, codec)
    head = dictionary_page_head(values.count, len(values.data), len(body))
    return Page(head, body, Encoding.PLAIN, len(values.data))


def _written(body: bytes | memoryview, codec: Codec) -> bytes:
    if codec is Codec.UNCOMPRESSED:
        return bytes(body)
    compressed: bytes = _ZSTD.compress(body, asbytes=True)
    return compressed
