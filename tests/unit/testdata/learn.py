"""Learning from small logs."""

import gzip
from pathlib import Path

from services.testdata.traces.learning.formats import Columns, LogFormat, LogKind
from services.testdata.traces.learning.learn import learn
from services.testdata.traces.learning.model import Learned, LearnedEdge

KINDS = LogKind


def learned(folder: Path, log: str | bytes, kind: LogKind, columns: Columns = Columns(), **options: float) -> Learned:  # noqa: B008
    """What is learned from a log; the exports are in the folder afterwards."""
    path = folder / "log"
    path.write_bytes(log if isinstance(log, bytes) else log.encode())
    return learn([("the.log", path)], LogFormat(kind, columns, **options), "learned", folder)


def edges(found: Learned) -> dict[tuple[str, str], int]:
    """How often each edge was seen."""
    return {(edge.start, edge.to): edge.count for edge in found.edges}


def edge(found: Learned, start: str, to: str) -> LearnedEdge:
    """One edge."""
    return next(one for one in found.edges if (one.start, one.to) == (start, to))


def skipped(found: Learned) -> dict[str, tuple[int, int]]:
    """How many rows were skipped for what reason, and the first one."""
    return {one.reason: (one.count, one.first_row) for one in found.skipped}


def zipped(log: str) -> bytes:
    """A log compressed."""
    return gzip.compress(log.encode())
