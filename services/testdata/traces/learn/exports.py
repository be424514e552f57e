"""Tables for machine learning, as Parquet files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from services.testdata.traces.learn.model import Export, LearnedEdge
from services.testdata.traces.learn.sessions import Sessions

_CELLS = 1 << 22
"""Cells of the table (sessions by endpoints) that are held in memory."""

Counts = npt.NDArray[np.int64]


def write_exports(
    folder: Path,
    edges: Sequence[LearnedEdge],
    endpoints: Sequence[str],
    triples: tuple[Counts, Counts],
    sessions: Sessions,
    names: Sequence[str] | None,
) -> None:
    """Write the files.

    endpoints: by number. triples: from `count_triples`. names: of session codes; None if the codes are the numbers
    in the log.
    """
    pq.write_table(_transitions(edges), folder / Export.TRANSITIONS, compression="zstd")
    pq.write_table(_ngrams(*triples, endpoints), folder / Export.NGRAMS, compression="zstd")
    parts = _features(sessions, endpoints, names)
    first = next(parts)
    with pq.ParquetWriter(folder / Export.SESSION_FEATURES, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)


def _transitions(edges: Sequence[LearnedEdge]) -> pa.Table:
    """One row per edge; from is "" for entries, to is "" for exits."""
    return pa.table(
        {
            "from": pa.array([edge.start for edge in edges], pa.string()),
            "to": pa.array([edge.to for edge in edges], pa.string()),
            **{key: [getattr(edge, key) for edge in edges] for key in ("count", "probability", "low", "high")},
        }
    )


def _ngrams(codes: Counts, counts: Counts, endpoints: Sequence[str]) -> pa.Table:
    """One row per pair (n = 2, third is null) or triple (n = 3) of endpoints within sessions."""
    k = len(endpoints)
    width = k + 1
    first, second, third = codes // (width * width), codes // width % width, codes % width
    pairs, index = np.unique((second * width + third)[third < k], return_inverse=True)
    pair_counts = np.bincount(index, counts[third < k], minlength=len(pairs)).astype(np.int64)
    inner = (first < k) & (third < k)
    names = pa.array([*endpoints, None], pa.string())

    def named(two: Counts, three: Counts) -> pa.Array:
        return names.take(pa.array(np.concatenate([two, three])))

    return pa.table(
        {
            "n": np.repeat(np.array([2, 3], np.int8), [len(pairs), int(inner.sum())]),
            "first": named(pairs // width, first[inner]),
            "second": named(pairs % width, second[inner]),
            "third": named(np.full(len(pairs), k), third[inner]),
            "count": np.concatenate([pair_counts, counts[inner]]),
        }
    )


def _features(sessions: Sessions, endpoints: Sequence[str], names: Sequence[str] | None) -> Iterator[pa.Table]:
    """One row per session, in several tables: its name, start, number of calls, and `count: …` for each endpoint.

    duration_ms: from the start of the first call to the end of the last. Values that the log lacks are null.
    """
    k = len(endpoints)
    at_once = max(_CELLS // k, 1)
    for begin in range(0, sessions.count, at_once):
        starts = sessions.starts[begin : begin + at_once + 1]
        part = slice(starts[0], starts[-1])
        lengths = np.diff(starts)
        calls = sessions.calls
        session = np.repeat(np.arange(len(lengths)), lengths)
        counts = np.bincount(session * k + calls.endpoint[part], minlength=len(lengths) * k).reshape(-1, k)
        codes = calls.session[starts[:-1]]
        columns: dict[str, Any] = {
            "session": pa.array(codes) if names is None else pa.array([names[code] for code in codes], pa.string()),
            "start": pa.array(calls.time[starts[:-1]], pa.timestamp("us", "UTC")),
            "calls": lengths,
            **_measures(sessions, starts),
            **{f"count: {name}": counts[:, number].astype(np.int32) for number, name in enumerate(endpoints)},
        }
        yield pa.table(columns)


def _measures(sessions: Sessions, starts: Counts) -> dict[str, Any]:
    """Durations, errors, latencies and labelled faults of the sessions with these starts."""
    calls, part, first = sessions.calls, slice(starts[0], starts[-1]), starts[:-1] - starts[0]
    last = starts[1:] - 1
    duration = (calls.time[last] - calls.time[starts[:-1]]) / 1000
    nothing = pa.nulls(len(first), pa.float64())
    mean = longest = nothing
    if calls.latency is not None:
        latency = calls.latency[part].astype(np.float64)
        duration += np.nan_to_num(calls.latency[last])
        known = np.add.reduceat((~np.isnan(latency)).astype(np.int64), first)
        sums = np.add.reduceat(np.nan_to_num(latency), first)
        mean = pa.array(sums / np.maximum(known, 1), mask=known == 0)
        longest = pa.array(np.maximum.reduceat(np.nan_to_num(latency), first), mask=known == 0)
    return {
        "duration_ms": duration,
        "errors": _sums(None if calls.status is None else calls.status[part] >= 400, first),
        "latency_mean_ms": mean,
        "latency_max_ms": longest,
        "faults": _sums(None if calls.faulty is None else calls.faulty[part], first),
    }


def _sums(marks: npt.NDArray[np.bool_] | None, first: Counts) -> pa.Array:
    if marks is None:
        return pa.nulls(len(first), pa.int64())
    return pa.array(np.add.reduceat(marks.astype(np.int64), first))
