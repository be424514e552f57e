"""The readers of logs, one a kind."""

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from services.testdata.traces.learning.formats import LogFormat, LogKind
from services.testdata.traces.learning.logs.access_log import read_access_log
from services.testdata.traces.learning.logs.csv import read_csv
from services.testdata.traces.learning.logs.jsonl import read_jsonl
from services.testdata.traces.learning.logs.otlp_json import read_otlp_json
from services.testdata.traces.learning.logs.parquet import read_parquet
from services.testdata.traces.learning.report import Report
from services.testdata.traces.learning.rows import RawRows

Reader = Callable[[BinaryIO, LogFormat, Report], Iterator[RawRows]]
"""From a log's bytes, which can be sought in, to its rows in batches."""

READERS: Mapping[LogKind, Reader] = {
    LogKind.PARQUET: read_parquet,
    LogKind.CSV: read_csv,
    LogKind.EVENT_LOG: read_csv,
    LogKind.JSONL: read_jsonl,
    LogKind.ACCESS_LOG: read_access_log,
    LogKind.OTLP_JSON: read_otlp_json,
}
