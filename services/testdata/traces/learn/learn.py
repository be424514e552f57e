"""Learn a chain from logs. This is CPU-bound and imports Numba, so it runs in a process of its own."""

import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.testdata.traces.learn.counting import count_edges, count_triples
from services.testdata.traces.learn.exports import write_exports
from services.testdata.traces.learn.gathering import Gathering
from services.testdata.traces.learn.latencies import detection, error_rates, timings
from services.testdata.traces.learn.model import Checkpoint, Learned, LearnedEdge, LearnedEndpoint
from services.testdata.traces.learn.order import order_test
from services.testdata.traces.learn.report import Report
from services.testdata.traces.learn.rows import Cleaning
from services.testdata.traces.learn.sessions import Sessions, in_sessions
from services.testdata.traces.logs.errors import (
    LogEmpty,
    LogMalformed,
    LogTooLarge,
    LogTruncated,
    LogUnreadable,
    TooManyEdges,
)
from services.testdata.traces.logs.formats import EVENT_LOGS, OURS, LogFormat, LogKind
from services.testdata.traces.logs.opening import opened
from services.testdata.traces.logs.readers import READERS
from services.testdata.traces.statistics import wilson
from shared.limits import Budget, TooManyBytes

MOST_BYTES = 15 << 18
"""The most bytes of a learned chain, so that its message with YAML stays below 4 MiB."""

_CHECKPOINTS = 12

Note = Callable[[int, int], None]
"""Receives the number of bytes read and of calls found."""


def learn(
    files: Sequence[tuple[str, Path]], log_format: LogFormat, name: str, exports: Path, note: Note = lambda *_: None
) -> Learned:
    """Learn one chain from a log in one file or several, read in their order.

    files: paths, with names for errors. name: of the workflow. exports: an existing folder for the Parquet files.
    Memory: 26 bytes per call, twice that while they are sorted, and the names of sessions.
    Raises the errors of `logs.errors`.
    """
    report = Report(files[0][0])
    gathering = _read(files, log_format, report, note)
    calls, endpoints = gathering.calls()
    k = len(endpoints)
    found = detection(calls, k)
    gap = log_format.session_gap if log_format.kind is LogKind.ACCESS_LOG else None
    sessions = in_sessions(calls, gathering, report, gap)
    if not sessions.count:
        raise _empty(report)
    matrix = count_edges(sessions.calls.endpoint, sessions.starts, k)
    triples = count_triples(sessions.calls.endpoint, sessions.starts, k)
    learned = Learned(
        name=name,
        sessions=sessions.count,
        calls=len(sessions.calls.endpoint),
        edges=_edges(matrix, endpoints),
        endpoints=_endpoints(sessions, endpoints, gathering.methods()),
        order_test=order_test(*triples, k),
        skipped=report.skipped(),
        detection=found,
        checkpoints=_checkpoints(sessions, matrix, k),
    )
    _check_size(learned, report)
    write_exports(exports, learned.edges, endpoints, triples, sessions, gathering.session_names())
    return learned


def _read(files: Sequence[tuple[str, Path]], log_format: LogFormat, report: Report, note: Note) -> Gathering:
    gathering = Gathering(report)
    ours = asdict(EVENT_LOGS if log_format.kind is LogKind.EVENT_LOG else OURS)
    named = {role: name for role, name in asdict(log_format.columns).items() if name}
    cleaning = Cleaning(report, {**ours, **named})
    before = 0
    for name, path in files:
        size = path.stat().st_size
        report.file, report.row, report.budget = name, 0, Budget(size)
        try:
            with opened(path, report.budget, random=log_format.kind is LogKind.PARQUET) as (stream, position):
                for rows in READERS[log_format.kind](stream, log_format, report):
                    gathering.add(cleaning.clean(rows))
                    note(before + position(), gathering.count)
        except TooManyBytes as error:
            raise LogTooLarge(file=name, most=f"{report.budget.most:,}") from error
        except EOFError as error:
            raise LogTruncated(file=name, place=report.place) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            why = "its bytes are damaged"
            raise LogMalformed(file=name, kind="gzip", place=report.place, why=why) from error
        except OSError as error:
            raise LogUnreadable(file=name, problem=error.strerror or "the system refuses it") from error
        before += size
    if not gathering.count:
        raise _empty(report)
    return gathering


def _empty(report: Report) -> LogEmpty:
    skipped = [f"{one.reason} {one.count:,} times, first in row {one.first_row:,}" for one in report.skipped()]
    why = "all of its rows were skipped, " + "; ".join(skipped) if skipped else "it has no rows"
    return LogEmpty(file=report.file, why=why)


def _edges(matrix: npt.NDArray[np.int64], endpoints: Sequence[str]) -> tuple[LearnedEdge, ...]:
    """All edges that were seen, entries first."""
    names = (*endpoints, "")
    totals = matrix.sum(axis=1).tolist()
    edges = []
    for start, to in zip(*_seen(matrix), strict=True):
        count, total = int(matrix[start, to]), totals[start]
        edges.append(LearnedEdge(names[start], names[to], count, count / total, *wilson(count, total)))
    return tuple(edges)


def _seen(matrix: npt.NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Rows and columns of the edges in the matrix."""
    starts, to = np.nonzero(np.roll(matrix, 1, axis=0))
    return ((starts - 1) % len(matrix)).tolist(), to.tolist()


def _endpoints(sessions: Sessions, endpoints: Sequence[str], methods: dict[str, str]) -> tuple[LearnedEndpoint, ...]:
    k = len(endpoints)
    counts = np.bincount(sessions.calls.endpoint, minlength=k).tolist()
    measured = zip(endpoints, counts, error_rates(sessions.calls, k), timings(sessions.calls, k), strict=True)
    return tuple(
        LearnedEndpoint(name, count, rate, timing.quantiles, timing.mean, methods.get(name, ""))
        for name, count, rate, timing in measured
        if count
    )


def _checkpoints(sessions: Sessions, matrix: npt.NDArray[np.int64], k: int) -> tuple[Checkpoint, ...]:
    """Counts after 1/2, 1/4, … of the sessions, ascending."""
    rows, columns = _seen(matrix)
    found = []
    for halving in range(1, _CHECKPOINTS + 1):
        part = sessions.count >> halving
        if part:
            ends = sessions.starts[: part + 1]
            counts = count_edges(sessions.calls.endpoint[: ends[-1]], ends, k)[rows, columns]
            found.append(Checkpoint(int(ends[-1]), tuple(counts.tolist())))
    return tuple(reversed(found))


def _check_size(learned: Learned, report: Report) -> None:
    """Refuse chains too large for a message, which repeats names of edges up to four times, of endpoints nine times."""
    numbers = 90 + len(learned.checkpoints)
    size = sum(len(edge.start.encode()) + 3 * len(edge.to.encode()) + numbers for edge in learned.edges)
    size += sum(9 * len(one.name.encode()) + 230 for one in learned.endpoints)
    size += sum(len(f"{count:x}") // 2 for one in learned.checkpoints for count in one.counts)
    if size > MOST_BYTES:
        raise TooManyEdges(file=report.file, edges=f"{len(learned.edges):,}")
