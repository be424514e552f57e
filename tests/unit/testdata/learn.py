"""Learning from small logs."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.testdata.traces.learn.learn import learn
from services.testdata.traces.learn.model import Learned, LearnedEdge
from services.testdata.traces.logs.formats import Columns, LogFormat, LogKind

OURS = "timestamp,session,endpoint,method,status,latency_ms,fault_id,fault_kind\n"
EVENTS = "case_id,activity,timestamp\n"
CYCLE = {("", "a"): 1, ("a", "b"): 1, ("b", ""): 1}
"""The edges of one session a, b."""


def parquet(folder: Path, **columns: Any) -> bytes:
    """A Parquet file of these columns."""
    path = folder / "made.parquet"
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


def learned(folder: Path, log: str | bytes, kind: LogKind, columns: Columns = Columns(), **options: float) -> Learned:  # noqa: B008
    """Learn from a log; writes the exports to the folder."""
    path = folder / "log"
    path.write_bytes(log if isinstance(log, bytes) else log.encode())
    return learn([("the.log", path)], LogFormat(kind, columns, **options), "learned", folder)


def edges(found: Learned) -> dict[tuple[str, str], int]:
    """The count of each edge."""
    return {(edge.start, edge.to): edge.count for edge in found.edges}


def edge(found: Learned, start: str, to: str) -> LearnedEdge:
    """One edge."""
    return next(one for one in found.edges if (one.start, one.to) == (start, to))


def skipped(found: Learned) -> dict[str, tuple[int, int]]:
    """The number of skipped rows by reason, and the first of them."""
    return {one.reason: (one.count, one.first_row) for one in found.skipped}


def zipped(log: str) -> bytes:
    """A log compressed."""
    return gzip.compress(log.encode())
