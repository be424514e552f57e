"""What a Parquet file says of itself: the heads of its pages, and the footer.

Source: parquet.thrift of Apache Parquet; the numbers of fields and enumerations are its own.
"""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import lru_cache

import pyarrow as pa

from services.testdata.traces.formats.parquet.thrift import (
    Value,
    binary,
    flag,
    i8,
    i32,
    i64,
    numbers,
    struct,
    structs,
    text,
    texts,
)

MAGIC = b"PAR1"
_FORMAT = 2
"""The version of the format, of which 2 has the encodings below."""
_CREATED_BY = "greenroom version 1.0.0"
"""The version of this writer: whatever changes one byte of its files changes this."""
_DATA_PAGE, _DICTIONARY_PAGE = i32(0), i32(2)
_REQUIRED = 0


class Type(IntEnum):
    """How a value lies in the file."""

    INT32 = 1
    INT64 = 2
    FLOAT = 4
    BYTE_ARRAY = 6


class Encoding(IntEnum):
    """How values became a page."""

    PLAIN = 0
    RLE = 3
    DELTA_BINARY_PACKED = 5
    RLE_DICTIONARY = 8


class Codec(IntEnum):
    """How pages are compressed."""

    UNCOMPRESSED = 0
    ZSTD = 6


class Meaning(Enum):
    """What values are beside their type: the converted type of old readers, and the logical type of new ones."""

    TIMESTAMP_MS = (9, struct({8: struct({1: flag(True), 2: struct({1: struct({})})})}))
    INT_16 = (16, struct({10: struct({1: i8(16), 2: flag(True)})}))
    STRING = (0, struct({1: struct({})}))


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the schema, none of whose values is null."""

    name: str
    type: Type
    meaning: Meaning | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is written. encoded: how many bytes the body had before it was compressed."""

    head: bytes
    body: bytes
    encoding: Encoding
    encoded: int

    def __len__(self) -> int:
        return len(self.head) + len(self.body)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One column of a row group.

    bounds: the least and the greatest value, of whole numbers of 64 bits.
    """

    dictionary: Page | None
    pages: Sequence[Page]
    codec: Codec
    bounds: tuple[int, int] | None

    def all_pages(self) -> Iterator[Page]:
        """The pages as they are written, one after the other."""
        if self.dictionary is not None:
            yield self.dictionary
        yield from self.pages

    @property
    def written(self) -> int:
        """Its bytes, with the heads of pages."""
        return sum(map(len, self.all_pages()))

    @property
    def raw(self) -> int:
        """What they were before they were compressed."""
        return sum(len(page.head) + page.encoded for page in self.all_pages())


def data_page_head(values: int, encoding: Encoding, raw: int, compressed: int) -> bytes:
    """The head of a data page of version 1, without levels as nothing is null or nested. raw, compressed: bytes."""
    return struct({1: _DATA_PAGE, 2: i32(raw), 3: i32(compressed), 5: _data_page(values, encoding)}).data


@lru_cache
def _data_page(values: int, encoding: Encoding) -> Value:
    return struct({1: i32(values), 2: i32(encoding), 3: i32(Encoding.RLE), 4: i32(Encoding.RLE)})


def dictionary_page_head(values: int, raw: int, compressed: int) -> bytes:
    """The head of the page of a dictionary in plain encoding."""
    page = struct({1: i32(values), 2: i32(Encoding.PLAIN)})
    return struct({1: _DICTIONARY_PAGE, 2: i32(raw), 3: i32(compressed), 7: page}).data


def row_group(columns: Sequence[Value], rows: int, raw: int, offset: int, end: int) -> Value:
    """What the footer says of a row group between two offsets of the file. raw: what its chunks' are together."""
    return struct({1: structs(columns), 2: i64(raw), 3: i64(rows), 5: i64(offset), 6: i64(end - offset)})


def column(field: Field, chunk: Chunk, rows: int, offset: int) -> Value:
    """What the row group says of a column that begins at an offset of the file."""
    counts = Counter(page.encoding for page in chunk.pages)
    kinds = [struct({1: _DATA_PAGE, 2: i32(encoding), 3: i32(count)}) for encoding, count in sorted(counts.items())]
    encodings, first = {Encoding.RLE, *counts}, offset
    if chunk.dictionary is not None:
        kinds.insert(0, struct({1: _DICTIONARY_PAGE, 2: i32(Encoding.PLAIN), 3: i32(1)}))
        encodings.add(Encoding.PLAIN)
        first += len(chunk.dictionary)
    statistics = None
    if chunk.bounds is not None:
        least, most = (binary(bound.to_bytes(8, "little", signed=True)) for bound in chunk.bounds)
        statistics = struct({3: i64(0), 5: most, 6: least, 7: flag(True), 8: flag(True)})
    metadata = struct(
        {
            1: i32(field.type),
            2: numbers(sorted(encodings)),
            3: texts([field.name]),
            4: i32(chunk.codec),
            5: i64(rows),
            6: i64(chunk.raw),
            7: i64(chunk.written),
            9: i64(first),
            11: i64(offset) if first > offset else None,
            12: statistics,
            13: structs(kinds),
        }
    )
    return struct({2: i64(0), 3: metadata})


def footer(fields: Sequence[Field], schema: pa.Schema, row_groups: Sequence[Value], rows: int) -> bytes:
    """The end of a file, from which readers begin.

    schema: Arrow's, which is kept as pyarrow keeps it, so that reading gives it back; its metadata are the file's.
    """
    kept = {b"ARROW:schema": base64.b64encode(schema.serialize()), **(schema.metadata or {})}
    metadata = struct(
        {
            1: i32(_FORMAT),
            2: structs([struct({4: text("schema"), 5: i32(len(fields))}), *map(_element, fields)]),
            3: i64(rows),
            4: structs(row_groups),
            5: structs([struct({1: binary(key), 2: binary(value)}) for key, value in kept.items()]),
            6: text(_CREATED_BY),
            # In the order of their type, without which readers do not trust the bounds.
            7: structs([struct({1: struct({})}) for _ in fields]),
        }
    ).data
    return metadata + len(metadata).to_bytes(4, "little") + MAGIC


def _element(field: Field) -> Value:
    converted, logical = field.meaning.value if field.meaning else (None, None)
    return struct(
        {
            1: i32(field.type),
            3: i32(_REQUIRED),
            4: text(field.name),
            6: None if converted is None else i32(converted),
            10: logical,
        }
    )
