"""How each column of calls is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import attrgetter

import numpy as np

from services.testdata.traces.formats.columns import COLUMNS
from services.testdata.traces.formats.parquet.encoders import (
    Deltas,
    Encoder,
    Numbers,
    Plainly,
    Take,
    Texts,
    plain_texts,
)
from services.testdata.traces.formats.parquet.encodings_numpy import Places
from services.testdata.traces.formats.parquet.kernels import Kernel
from services.testdata.traces.formats.parquet.layout import Codec, Field, Meaning, Type
from services.testdata.traces.generation.calls import FAULT_KINDS
from services.testdata.traces.generation.chain import Chain

_COMPRESSED = {"endpoint", "status", "params", "fault_id"}
"""Where zstd saves a fifth of a byte a call at least, which is 40 % or more of the column. The others it makes a
twentieth smaller, taken together, for as much time as all of their encoding takes."""


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is written. encoder: makes one for each row group."""

    field: Field
    codec: Codec
    encoder: Callable[[Kernel], Encoder]


@lru_cache(maxsize=2)
def columns(chain: Chain) -> tuple[Column, ...]:
    """In their order, with the dictionaries of texts ready.

    What goes on from call to call is written as differences, all else as places in dictionaries.
    """
    # Values of a dictionary are unique, or readers decode them to plain texts.
    methods = sorted(set(chain.methods))
    method = np.array([methods.index(name) for name in chain.methods], np.uint32)
    made = (
        _deltas("timestamp", Meaning.TIMESTAMP_MS),
        _deltas("user"),
        _texts("user_type", chain.user_types),
        _deltas("session"),
        _texts("endpoint", chain.endpoints),
        _texts("method", methods, attrgetter("endpoint"), method),
        _numbers("status", Type.INT32, "<i4", Meaning.INT_16),
        _numbers("latency_ms", Type.FLOAT, "<i4", take=lambda calls: calls.latency.view(np.int32)),
        _texts("params", chain.params),
        _numbers("fault_id", Type.INT64, "<i8"),
        _texts("fault_kind", FAULT_KINDS),
    )
    assert tuple(column.field.name for column in made) == COLUMNS
    return made


def _deltas(name: str, meaning: Meaning | None = None) -> Column:
    return _column(Field(name, Type.INT64, meaning), partial(Deltas, take=attrgetter(name)))


def _texts(name: str, texts: Sequence[str], take: Take | None = None, table: Places | None = None) -> Column:
    if table is None:
        table = np.arange(len(texts), dtype=np.uint32)
    encoder = partial(Texts, take=take or attrgetter(name), table=table, dictionary=plain_texts(texts))
    return _column(Field(name, Type.BYTE_ARRAY, Meaning.STRING), encoder)


def _numbers(name: str, kind: Type, plain: str, meaning: Meaning | None = None, take: Take | None = None) -> Column:
    plainly = Plainly(take or attrgetter(name), plain)
    return _column(Field(name, kind, meaning), partial(Numbers, plainly=plainly, plain=plain))


def _column(field: Field, encoder: Callable[[Kernel], Encoder]) -> Column:
    return Column(field, Codec.ZSTD if field.name in _COMPRESSED else Codec.UNCOMPRESSED, encoder)
