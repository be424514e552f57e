"""Readers of logs. A new reader is a file in this folder, a `LogKind` and a line here."""

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from services.testdata.traces.learn.report import Report
from services.testdata.traces.learn.rows import RawRows
from services.testdata.traces.logs.access_log import read_access_log
from services.testdata.traces.logs.csv import read_csv
from services.testdata.traces.logs.formats import LogFormat, LogKind
from services.testdata.traces.logs.jsonl import read_jsonl
from services.testdata.traces.logs.otlp_json import read_otlp_json
from services.testdata.traces.logs.parquet import read_parquet

Reader = Callable[[BinaryIO, LogFormat, Report], Iterator[RawRows]]
"""Reads rows in batches from the bytes of a log, which are seekable."""

READERS: Mapping[LogKind, Reader] = {
    LogKind.PARQUET: read_parquet,
    LogKind.CSV: read_csv,
    LogKind.EVENT_LOG: read_csv,
    LogKind.JSONL: read_jsonl,
    LogKind.ACCESS_LOG: read_access_log,
    LogKind.OTLP_JSON: read_otlp_json,
}
