"""Read calls of every format with readers that are not ours."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, assert_never

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from opentelemetry.proto.trace.v1 import trace_pb2

from greenroom.testdata.v1 import trace_call_pb2 as pb
from services.testdata.traces.formats import Format
from services.testdata.traces.generation import FAULT_KINDS, Calls, Chain
from services.testdata.traces.schema import COLUMNS, NAMES, Column, Kind

Row = tuple[Any, ...]
"""A call: its values in the order of NAMES, the time in Unix milliseconds, the latency as a 32-bit float."""


def rows_of(chain: Chain, calls: Calls) -> list[Row]:
    """The rows that a reader should return."""
    return list(zip(*(_values(column, chain, calls) for column in COLUMNS), strict=True))


def _values(column: Column, chain: Chain, calls: Calls) -> list[Any]:
    values: list[Any] = column.of(calls).tolist()
    if column.kind is not Kind.TEXT:
        return values
    texts = column.texts_of(chain)
    return [texts[code] for code in values]


def _from_protobuf(data: bytes) -> list[Row]:
    fields = [(pb.Call.DESCRIPTOR.fields_by_number[column.field].name, column.as_enum) for column in COLUMNS]
    return [
        tuple(FAULT_KINDS[getattr(call, name)] if as_enum else getattr(call, name) for name, as_enum in fields)
        for call in pb.StreamCallsResponse.FromString(data).calls
    ]


def _from_table(table: pa.Table) -> list[Row]:
    assert tuple(table.column_names) == NAMES
    assert not any(field.nullable for field in table.schema)
    columns = [table["timestamp"].cast(pa.int64()), *table.columns[1:]]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def _from_arrow(data: bytes) -> list[Row]:
    with pa.ipc.open_stream(data) as stream:
        return _from_table(stream.read_all())


def _from_parquet(data: bytes) -> list[Row]:
    return _from_table(pq.read_table(io.BytesIO(data)))


def _from_jsonl(data: bytes) -> list[Row]:
    assert data[-1:] in (b"", b"\n")
    return [_from_texts(json.loads(line)) for line in data.splitlines()]


def _from_csv(data: bytes) -> list[Row]:
    return [_from_texts(record) for record in csv.DictReader(io.StringIO(data.decode(), newline=""))]


def _from_texts(record: Mapping[str, Any]) -> Row:
    assert tuple(record) == NAMES
    return tuple(_from_text(column.kind, record[column.name]) for column in COLUMNS)


def _from_text(kind: Kind, value: Any) -> Any:
    match kind:
        case Kind.TIME:
            return round(datetime.fromisoformat(value).timestamp() * 1000)
        case Kind.NUMBER:
            return int(value)
        case Kind.DECIMAL:
            return float(np.float32(value))
        case Kind.TEXT:
            return value
        case _:
            assert_never(kind)


def spans_of(data: bytes) -> list[tuple[str, trace_pb2.Span]]:
    """All spans, each with its service."""
    return [
        (attributes(of_service.resource.attributes)["service.name"], span)
        for of_service in trace_pb2.TracesData.FromString(data).resource_spans
        for scope in of_service.scope_spans
        for span in scope.spans
    ]


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """Attributes by key."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def _from_otlp(data: bytes) -> list[Row]:
    """The root spans, sorted by session and time as calls are."""
    rows = [
        tuple(_from_span(column, span, attributes(span.attributes)) for column in COLUMNS)
        for _, span in spans_of(data)
        if not span.parent_span_id
    ]
    return sorted(rows, key=lambda row: (row[NAMES.index("session")], row[NAMES.index("timestamp")]))


def _from_span(column: Column, span: trace_pb2.Span, found: Mapping[str, Any]) -> Any:
    match column.kind:
        case Kind.TIME:
            return span.start_time_unix_nano // 1_000_000
        case Kind.DECIMAL:
            # Spans have whole nanoseconds.
            return (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
        case Kind.NUMBER:
            return int(found.get(column.attribute, 0))
        case Kind.TEXT:
            return found.get(column.attribute, "")
        case _:
            assert_never(column.kind)


DECODERS: dict[Format, Callable[[bytes], list[Row]]] = {
    Format.ROWS: _from_protobuf,
    Format.ARROW_IPC: _from_arrow,
    Format.JSONL: _from_jsonl,
    Format.CSV: _from_csv,
    Format.OTLP: _from_otlp,
    Format.PARQUET: _from_parquet,
}


def same(found: list[Row], expected: list[Row]) -> bool:
    """True if the calls are equal, latencies to the nanosecond."""
    latency = NAMES.index("latency_ms")

    def rest(row: Row) -> Row:
        return (*row[:latency], *row[latency + 1 :])

    return list(map(rest, found)) == list(map(rest, expected)) and all(
        abs(one[latency] - other[latency]) <= 1e-6 for one, other in zip(found, expected, strict=True)
    )
