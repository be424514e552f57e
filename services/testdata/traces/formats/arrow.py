"""Arrow: record batches of calls, and their stream."""

from typing import Any, assert_never

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.schema import COLUMNS, Calls, Column, Kind, empty_calls

_END_OF_STREAM = 8
"""The bytes that close an Arrow stream."""


class Batches:
    """Turns calls into Arrow record batches over the same memory."""

    def __init__(self, chain: Chain) -> None:
        self._dictionaries = {c.name: _Dictionary(c, chain) for c in COLUMNS if c.kind is Kind.TEXT}
        arrays = [self._array(column, empty_calls(0)) for column in COLUMNS]
        fields = [pa.field(c.name, array.type, nullable=False) for c, array in zip(COLUMNS, arrays, strict=True)]
        self.schema = pa.schema(fields)

    def batch(self, calls: Calls) -> pa.RecordBatch:
        """The calls as one record batch without nulls."""
        return pa.RecordBatch.from_arrays([self._array(column, calls) for column in COLUMNS], schema=self.schema)

    def _array(self, column: Column, calls: Calls) -> pa.Array:
        values = column.of(calls)
        match column.kind:
            case Kind.TIME:
                return pa.array(values).view(pa.timestamp("ms", tz="UTC"))
            case Kind.NUMBER | Kind.DECIMAL:
                return pa.array(values)
            case Kind.TEXT:
                return self._dictionaries[column.name].array(values)
            case _:
                assert_never(column.kind)


class _Dictionary:
    """The texts of a column, each once: Parquet writers decode a dictionary with equal values to plain texts."""

    def __init__(self, column: Column, chain: Chain) -> None:
        texts = column.texts_of(chain)
        unique = texts if len(set(texts)) == len(texts) else sorted(set(texts))
        # Use signed indices, because pandas does not read unsigned ones.
        dtype = np.int8 if len(unique) <= 1 << 7 else np.int16 if len(unique) <= 1 << 15 else np.int32
        index = {text: number for number, text in enumerate(unique)}
        self._index = None if unique is texts else np.array([index[text] for text in texts], dtype)
        self._dtype, self._texts = dtype, pa.array(unique)

    def array(self, codes: NDArray[np.integer[Any]]) -> pa.DictionaryArray:
        indices = codes.astype(self._dtype, copy=False) if self._index is None else self._index.take(codes)
        # Codes of the chain are valid indices, so they need no check.
        return pa.DictionaryArray.from_arrays(indices, self._texts, safe=False)


class ArrowStream:
    """Writes calls as the messages of one Arrow IPC stream: schema and dictionaries, then one record batch per call of
    `encode`."""

    def __init__(self, chain: Chain) -> None:
        self._batches = Batches(chain)

    def beginning(self) -> bytes:
        """The schema, the dictionaries and an empty batch; without the batch Arrow does not write the dictionaries."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._batches.schema) as stream:
            stream.write_batch(self._batches.batch(empty_calls(0)))
        return bytes(memoryview(sink.getvalue())[:-_END_OF_STREAM])

    def encode(self, calls: Calls, before: int = 0) -> bytes:  # noqa: ARG002 - a row needs no other
        """The calls as one record batch."""
        return bytes(memoryview(self._batches.batch(calls).serialize()))
