"""Arrow: a table of calls, and its stream."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.testdata.traces.formats.columns import COLUMNS, NOTHING
from services.testdata.traces.generation.calls import FAULT_KINDS, Calls
from services.testdata.traces.generation.chain import Chain

_END_OF_STREAM = 8
"""The bytes that close an Arrow stream."""


class Batches:
    """Turns calls into Arrow record batches over the same memory."""

    def __init__(self, chain: Chain) -> None:
        # A dictionary whose values are not unique makes the Parquet writer fall back to plain texts.
        methods = sorted(set(chain.methods))
        self._method = np.array([methods.index(method) for method in chain.methods], np.int8)
        texts: tuple[Sequence[str], ...] = (chain.user_types, chain.endpoints, methods, chain.params, FAULT_KINDS)
        self._user_types, self._endpoints, self._methods, self._params, self._fault_kinds = map(pa.array, texts)
        self.schema = self.batch(NOTHING).schema

    def batch(self, calls: Calls) -> pa.RecordBatch:
        """The calls, none of whose values is null."""
        columns = {
            "timestamp": pa.array(calls.timestamp).view(pa.timestamp("ms", tz="UTC")),
            "user": pa.array(calls.user),
            "user_type": _dictionary(calls.user_type, self._user_types),
            "session": pa.array(calls.session),
            "endpoint": _dictionary(calls.endpoint, self._endpoints),
            "method": _dictionary(self._method.take(calls.endpoint), self._methods),
            "status": pa.array(calls.status),
            "latency_ms": pa.array(calls.latency),
            "params": _dictionary(calls.params, self._params),
            "fault_id": pa.array(calls.fault_id),
            "fault_kind": _dictionary(calls.fault_kind, self._fault_kinds),
        }
        fields = [pa.field(name, columns[name].type, nullable=False) for name in COLUMNS]
        return pa.RecordBatch.from_arrays([columns[name] for name in COLUMNS], schema=pa.schema(fields))


class ArrowStream:
    """Writes calls as the messages of one Arrow IPC stream: its schema and dictionaries, then a record batch each."""

    def __init__(self, chain: Chain) -> None:
        self._batches = Batches(chain)

    def beginning(self) -> bytes:
        """The schema, the dictionaries, and a batch of nothing, without which the dictionaries would not be written."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._batches.schema) as stream:
            stream.write_batch(self._batches.batch(NOTHING))
        return bytes(memoryview(sink.getvalue())[:-_END_OF_STREAM])

    def encode(self, calls: Calls, before: int = 0) -> bytes:  # noqa: ARG002 - a row stands for itself
        """The calls as one record batch."""
        return bytes(memoryview(self._batches.batch(calls).serialize()))


def _dictionary(numbers: NDArray[np.integer[Any]], texts: pa.Array) -> pa.DictionaryArray:
    # Signed, since pandas reads no unsigned ones.
    fitting = np.int8 if len(texts) <= 1 << 7 else np.int16 if len(texts) <= 1 << 15 else np.int32
    # Our own numbers need no check that they are within the texts.
    return pa.DictionaryArray.from_arrays(numbers.astype(fitting, copy=False), texts, safe=False)
