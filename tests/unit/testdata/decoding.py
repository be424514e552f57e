"""Calls read back from every format, by readers that are not ours."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from opentelemetry.proto.trace.v1 import trace_pb2

from greenroom.testdata.v1 import trace_call_pb2 as pb
from services.testdata.traces.formats import Format
from services.testdata.traces.formats.columns import COLUMNS
from services.testdata.traces.generation import FAULT_KINDS, Calls, Chain

Row = tuple[Any, ...]
"""A call: its values in the order of COLUMNS, the time in Unix milliseconds, the latency as a 32-bit float."""


def rows_of(chain: Chain, calls: Calls) -> list[Row]:
    """What a reader should see."""
    return [
        (
            int(calls.timestamp[i]),
            int(calls.user[i]),
            chain.user_types[calls.user_type[i]],
            int(calls.session[i]),
            chain.endpoints[calls.endpoint[i]],
            chain.methods[calls.endpoint[i]],
            int(calls.status[i]),
            float(calls.latency[i]),
            chain.params[calls.params[i]],
            int(calls.fault_id[i]),
            FAULT_KINDS[calls.fault_kind[i]],
        )
        for i in range(len(calls))
    ]


def _from_protobuf(data: bytes) -> list[Row]:
    return [
        (
            call.timestamp_ms,
            call.user,
            call.user_type,
            call.session,
            call.endpoint,
            call.method,
            call.status,
            call.latency_ms,
            call.params,
            call.fault_id,
            FAULT_KINDS[call.fault_kind],
        )
        for call in pb.StreamCallsResponse.FromString(data).calls
    ]


def _from_table(table: pa.Table) -> list[Row]:
    assert tuple(table.column_names) == COLUMNS
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
    assert tuple(record) == COLUMNS
    time = round(datetime.fromisoformat(record["timestamp"]).timestamp() * 1000)
    texts, numbers = ("user_type", "endpoint", "method", "params", "fault_kind"), dict(record)
    numbers.update(timestamp=time, latency_ms=float(np.float32(record["latency_ms"])))
    return tuple(numbers[name] if name in (*texts, "latency_ms") else int(numbers[name]) for name in COLUMNS)


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
    """The roots; their order is not that of the calls, so they are put into it by session and time."""
    rows = []
    for _, span in spans_of(data):
        if not span.parent_span_id:
            of_call = attributes(span.attributes)
            rows.append(
                (
                    span.start_time_unix_nano // 1_000_000,
                    int(of_call["user.id"]),
                    of_call["greenroom.user_type"],
                    int(of_call["session.id"]),
                    of_call["http.route"],
                    of_call["http.request.method"],
                    of_call["http.response.status_code"],
                    # A trace has whole nanoseconds.
                    (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
                    of_call.get("url.query", ""),
                    of_call.get("greenroom.fault_id", 0),
                    of_call.get("greenroom.fault_kind", ""),
                )
            )
    return sorted(rows, key=lambda row: (row[3], row[0]))


DECODERS: dict[Format, Callable[[bytes], list[Row]]] = {
    Format.ROWS: _from_protobuf,
    Format.ARROW_IPC: _from_arrow,
    Format.JSONL: _from_jsonl,
    Format.CSV: _from_csv,
    Format.OTLP: _from_otlp,
    Format.PARQUET: _from_parquet,
}


def same(found: list[Row], expected: list[Row]) -> bool:
    """Whether the calls are the same, latencies to the nanosecond."""
    latency = COLUMNS.index("latency_ms")

    def rest(row: Row) -> Row:
        return (*row[:latency], *row[latency + 1 :])

    return list(map(rest, found)) == list(map(rest, expected)) and all(
        abs(one[latency] - other[latency]) <= 1e-6 for one, other in zip(found, expected, strict=True)
    )
