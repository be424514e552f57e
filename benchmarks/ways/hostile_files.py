"""Small files that were made to take much memory, time or disk when they are learned from."""

import gzip
import io
import json
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from greenroom.testdata.v1 import trace_learning_pb2 as pb

MIB = 1 << 20

Kind = pb.LogFormat
File = tuple[pb.LogFormat.Kind.ValueType, bytes]
"""What the caller says that it is, and its bytes."""


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _lines(value: str, count: int) -> bytes:
    """Calls, each with a value that learning does not need."""
    return b"".join(
        f'{{"session": {row // 3}, "endpoint": "browse", "timestamp": {row}, "x": {value}}}\n'.encode()
        for row in range(count)
    )


def _empty_arrays() -> bytes:
    return _packed(_lines("[" + ",".join(["[]"] * 340_000) + "]", 200))


def _small_lines_of_arrays() -> bytes:
    return _packed(_lines("[" + ",".join(["[]"] * 300) + "]", 65_000))


def _arrays_as_sessions() -> bytes:
    line = json.dumps({"session": [[]] * 200_000, "endpoint": {"a": [{}] * 1_000}, "timestamp": 1}) + "\n"
    return _packed(line.encode() * 100)


def _nested_objects() -> bytes:
    value = '{"a":' * 400 + "1" + "}" * 400
    return _packed(_lines("[" + ",".join([value] * 400) + "]", 100))


def _many_names() -> bytes:
    return _packed(
        b"".join(
            b"{" + b",".join(b'"%d":1' % (line * 20_000 + i) for i in range(20_000)) + b"}\n" for line in range(60)
        )
    )


def _deep() -> bytes:
    return _packed(b"[" * (30 * MIB))


def _otlp(content: str) -> bytes:
    return _packed(f'{{"resourceSpans": [{{"scopeSpans": [{{"spans": {content}}}]}}]}}'.encode())


def _spans(count: int, **more: object) -> str:
    span = {"traceId": "a", "name": "browse", "startTimeUnixNano": "1", "endTimeUnixNano": "2", **more}
    return "[" + ",".join([json.dumps(span)] * count) + "]"


def _parquet(rows: int, session: pa.Array, compression: str = "zstd", **options: object) -> bytes:
    file = io.BytesIO()
    ones = pa.array([1], pa.int64()).take(pa.array([0] * rows, pa.int32()))
    table = pa.table({"session": session, "endpoint": pa.array(["a"] * rows).dictionary_encode(), "timestamp": ones})
    pq.write_table(table, file, compression=compression, store_schema=False, **options)
    return file.getvalue()


def _one_long_value(length: int = 40_000, rows: int = 200_000) -> bytes:
    indices = pa.array([0] * rows, pa.int32())
    return _parquet(rows, pa.DictionaryArray.from_arrays(indices, pa.array(["x" * length])))


def _long_values_without_dictionary() -> bytes:
    values = pa.array(["x" * 5_000], pa.large_string()).take(pa.array([0] * 100_000, pa.int32()))
    return _parquet(100_000, values, use_dictionary=False, data_page_size=64 * MIB, write_statistics=False)


def _one_huge_value() -> bytes:
    return _parquet(1, pa.array(["x" * (700 * MIB)], pa.large_string()), use_dictionary=False, write_statistics=False)


def _nested_lists() -> bytes:
    lists = pa.array([[0] * 1_000], pa.list_(pa.int8())).take(pa.array([0] * 100_000, pa.int32()))
    return _parquet(100_000, lists)


def _many_rows() -> bytes:
    return _parquet(20_000_000, pa.array([1], pa.int64()).take(pa.nulls(20_000_000, pa.int32()).fill_null(0)))


def _many_sessions() -> bytes:
    return _packed(b"session,endpoint,timestamp\n" + b"".join(b"%d,a,1\n" % row for row in range(400_000)))


def _many_calls() -> bytes:
    return _packed(b"session,endpoint,timestamp\n" + b"a,a,1\n" * 20_000_000)


def _many_edges() -> bytes:
    rows = (b"1,%d,1\n" % (row * row * 31 // 7 % 1_999) for row in range(600_000))
    return _packed(b"session,endpoint,timestamp\n" + b"".join(rows))


def _wide_csv() -> bytes:
    return b"session,endpoint,timestamp" + b",a" * 490_000 + b"\n1,a,1\n"


def _wide_packed_csv() -> bytes:
    return _packed(
        b"session,endpoint,timestamp" + b",a" * 1_000_000 + b"\n" + (b"1,a,1" + b"," * 1_000_000 + b"\n") * 50
    )


def _long_csv_line() -> bytes:
    return _packed(b"session,endpoint,timestamp\n" + b"1," + b"a" * (4 * MIB) + b",1\n" + b"1,a,1\n" * 1_000)


def _long_header() -> bytes:
    return _packed(b'"' + b"\n" * (60 * MIB))


FILES: Mapping[str, Callable[[], File]] = {  # by what is in them
    "JSONL: lines of 340,000 empty arrays": lambda: (Kind.KIND_JSONL, _empty_arrays()),
    "JSONL: 65,000 short lines of arrays": lambda: (Kind.KIND_JSONL, _small_lines_of_arrays()),
    "JSONL: arrays as sessions": lambda: (Kind.KIND_JSONL, _arrays_as_sessions()),
    "JSONL: nested objects": lambda: (Kind.KIND_JSONL, _nested_objects()),
    "JSONL: 300,000 names": lambda: (Kind.KIND_JSONL, _many_names()),
    "JSONL: 30 MiB of [": lambda: (Kind.KIND_JSONL, _deep()),
    "JSONL: 1 GB of zeros": lambda: (Kind.KIND_JSONL, _packed(bytes(1_000 * MIB))),
    "JSONL: gzip in gzip": lambda: (Kind.KIND_JSONL, _packed(_packed(bytes(1_000 * MIB)))),
    "OTLP: empty arrays": lambda: (Kind.KIND_OTLP_JSON, _otlp("[" + ",".join(["[]"] * 40_000_000) + "]")),
    "OTLP: empty objects": lambda: (Kind.KIND_OTLP_JSON, _otlp("[" + ",".join(["{}"] * 20_000_000) + "]")),
    "OTLP: 60 MiB of [": lambda: (Kind.KIND_OTLP_JSON, _packed(b"[" * (60 * MIB))),
    "OTLP: many spans": lambda: (Kind.KIND_OTLP_JSON, _otlp(_spans(500_000))),
    "OTLP: spans with attributes": lambda: (
        Kind.KIND_OTLP_JSON,
        _otlp(_spans(20_000, attributes=[{"key": str(i), "value": {"stringValue": ""}} for i in range(60)])),
    ),
    "Parquet: one value of 40 KB, 200,000 times": lambda: (Kind.KIND_PARQUET, _one_long_value()),
    "Parquet: one value of 400 B, 2 million times": lambda: (Kind.KIND_PARQUET, _one_long_value(400, 2_000_000)),
    "Parquet: long values without a dictionary": lambda: (Kind.KIND_PARQUET, _long_values_without_dictionary()),
    "Parquet: one value of 700 MiB": lambda: (Kind.KIND_PARQUET, _one_huge_value()),
    "Parquet: nested lists": lambda: (Kind.KIND_PARQUET, _nested_lists()),
    "Parquet: 20 million rows": lambda: (Kind.KIND_PARQUET, _many_rows()),
    "Parquet: 1 GB of packed zeros": lambda: (Kind.KIND_PARQUET, _packed(bytes(1_000 * MIB))),
    "CSV: 400,000 sessions": lambda: (Kind.KIND_CSV, _many_sessions()),
    "CSV: 20 million calls": lambda: (Kind.KIND_CSV, _many_calls()),
    "CSV: 600,000 edges": lambda: (Kind.KIND_CSV, _many_edges()),
    "CSV: 490,000 columns": lambda: (Kind.KIND_CSV, _wide_csv()),
    "CSV: a million columns, packed": lambda: (Kind.KIND_CSV, _wide_packed_csv()),
    "CSV: a line of 4 MiB": lambda: (Kind.KIND_CSV, _long_csv_line()),
    "CSV: a header that never ends": lambda: (Kind.KIND_CSV, _long_header()),
    "access log: 1 GB of zeros": lambda: (Kind.KIND_ACCESS_LOG, _packed(bytes(1_000 * MIB))),
}
