"""The pages of one column of a row group."""

from collections.abc import Sequence
from functools import lru_cache

import pyarrow as pa

from services.testdata.traces.formats.parquet.columns import Column
from services.testdata.traces.formats.parquet.encoders import Encoder, Parts, Plain, Scratch
from services.testdata.traces.formats.parquet.kernels import Kernel
from services.testdata.traces.formats.parquet.layout import (
    Chunk,
    Codec,
    Encoding,
    Page,
    data_page_head,
    dictionary_page_head,
)

_ZSTD = pa.Codec("zstd", compression_level=1)
"""Higher levels take several times as long, for a few per cent."""


def chunk(column: Column, kernel: Kernel, pages: Sequence[Parts], scratch: Scratch) -> Chunk:
    """The column of all pages, after the dictionary of all."""
    encoder = column.encoder(kernel)
    encoded = _chunk(encoder, column.codec, pages, scratch)
    better = encoder.better()
    return encoded if better is None else _chunk(better, column.codec, pages, scratch)


def _chunk(encoder: Encoder, codec: Codec, pages: Sequence[Parts], scratch: Scratch) -> Chunk:
    written: list[Page] = []
    for parts in pages:
        encoding, encoded = encoder.page(parts, scratch)
        body = _written(encoded.data, codec)
        head = data_page_head(sum(map(len, parts)), encoding, len(encoded), len(body))
        written.append(Page(head, body, encoding, len(encoded)))
    values = encoder.dictionary()
    dictionary = None if values is None else _dictionary_page(values, codec)
    return Chunk(dictionary, written, codec, encoder.bounds)


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
