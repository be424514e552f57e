"""All calls of a log in memory, as compact columns: at most 26 bytes per call, and the names of sessions."""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from services.testdata.traces.learn.report import Report
from services.testdata.traces.learn.rows import Rows
from services.testdata.traces.logs.errors import LogColumnUnfit, LogTooLong, TooManyEndpoints

MOST_ENDPOINTS = 2_000
MOST_CALLS = 1 << 28
"""The most calls of one log; they take about 7 GiB."""

_LONGEST_METHOD = 32

_OPTIONAL = {"latency": np.nan, "status": 0, "faulty": False, "retry": False}
"""Optional columns, and the value for missing ones if only some files have them."""


@dataclass(slots=True)
class LogCalls:
    """The calls of a log in some order. Optional columns are None if the log lacks them, otherwise as in `Rows`.

    Not frozen: `take` replaces one column at a time, so it needs memory for one more column only.

    session: codes, or the numbers in the log if names is None. endpoint: indices into `endpoints`, which are sorted.
    time: Unix microseconds.
    """

    session: npt.NDArray[np.int64]
    endpoint: npt.NDArray[np.uint16]
    time: npt.NDArray[np.int64]
    latency: npt.NDArray[np.float32] | None
    status: npt.NDArray[np.int16] | None
    faulty: npt.NDArray[np.bool_] | None
    retry: npt.NDArray[np.bool_] | None

    def take(self, which: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> None:
        """Select calls, in this order."""
        for part in fields(self):
            column = getattr(self, part.name)
            if column is not None:
                setattr(self, part.name, column[which])


class Gathering:
    """Collects rows. Raises TooManyEndpoints, LogTooLong, and LogColumnUnfit for sessions of two types."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._codes: dict[str, int] = {}
        self._sessions: dict[str, int] | None = None
        self._methods: Counter[tuple[int, str]] = Counter()
        self._parts: dict[str, list[Any]] = {name: [] for name in ("session", "endpoint", "time", *_OPTIONAL)}
        self._lengths: list[int] = []
        self._runs: list[tuple[int, int]] = []
        self.count = 0

    def add(self, rows: Rows) -> None:
        """Add rows."""
        if not len(rows.row):
            return
        breaks = np.flatnonzero(np.diff(rows.row, prepend=rows.row[0] - 2) != 1)
        self._runs += [(self.count + int(place), int(rows.row[place])) for place in breaks]
        endpoint = self._endpoints(rows.endpoint)
        if rows.method is not None:
            self._count_methods(endpoint, rows.method)
        parts = {"session": self._session_codes(rows.session), "endpoint": endpoint, "time": rows.time}
        for name, column in self._parts.items():
            column.append(parts[name] if name in parts else getattr(rows, name))
        self._lengths.append(len(rows.row))
        self.count += len(rows.row)
        if self.count > MOST_CALLS:
            raise LogTooLong(file=self._report.file, most=f"{MOST_CALLS:,}")

    def calls(self) -> tuple[LogCalls, tuple[str, ...]]:
        """All calls, and the sorted endpoints. Call it once, at the end."""
        names = sorted(self._codes)
        rank = np.zeros(len(names), np.uint16)
        rank[[self._codes[name] for name in names]] = np.arange(len(names), dtype=np.uint16)
        columns: dict[str, Any] = {name: self._joined(name) for name in tuple(self._parts)}
        columns["endpoint"] = rank[columns["endpoint"]]
        return LogCalls(**columns), tuple(names)

    def row(self, index: int) -> int:
        """The row number in the log of call `index`, from 0."""
        first, row = self._runs[bisect_right(self._runs, (index, 1 << 62)) - 1]
        return row + index - first

    def session_names(self) -> list[str] | None:
        """The names of session codes; None if the codes are the numbers in the log."""
        return None if self._sessions is None else list(self._sessions)

    def methods(self) -> dict[str, str]:
        """Endpoint → its most frequent method."""
        names = list(self._codes)
        return {names[code]: method for (code, method), _ in reversed(self._methods.most_common()) if method}

    def _joined(self, name: str) -> npt.NDArray[Any] | None:
        parts = self._parts.pop(name)
        if all(part is None for part in parts):
            return None
        kind = next(part.dtype for part in parts if part is not None)
        return np.concatenate(
            [
                np.full(length, _OPTIONAL[name], kind) if part is None else part
                for part, length in zip(parts, self._lengths, strict=True)
            ]
        )

    def _endpoints(self, column: pa.Array) -> npt.NDArray[np.uint16]:
        places, values = _encoded(column)
        codes = np.zeros(len(values), np.uint16)
        # The dictionary of a file may hold values that these rows do not use.
        for place in np.unique(places):
            codes[place] = self._codes.setdefault(values[place], len(self._codes))
            if len(self._codes) > MOST_ENDPOINTS:
                raise TooManyEndpoints(file=self._report.file, most=f"{MOST_ENDPOINTS:,}", place=self._report.place)
        return codes[places]

    def _session_codes(self, column: pa.Array) -> npt.NDArray[np.int64]:
        numbered = pa.types.is_integer(column.type)
        if self.count and numbered != (self._sessions is None):
            raise LogColumnUnfit(
                file=self._report.file, column="session", role="session", type="a number here and a text before"
            )
        if numbered:
            return np.array(column)
        sessions = self._sessions = self._sessions if self._sessions is not None else {}
        places, values = _encoded(column)
        codes = np.array([sessions.setdefault(value, len(sessions)) for value in values], np.int64)
        return codes[places]

    def _count_methods(self, endpoint: npt.NDArray[np.uint16], column: pa.Array) -> None:
        places, values = _encoded(column.fill_null(""))
        pairs, counts = np.unique(endpoint.astype(np.int64) * len(values) + places, return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            code, place = divmod(pair, len(values))
            if values[place].isascii() and values[place].isalpha() and len(values[place]) <= _LONGEST_METHOD:
                self._methods[code, values[place].upper()] += count


def _encoded(column: pa.Array) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Indices into the distinct values, and these values. The column has no null."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    return np.array(column.indices).astype(np.int64), column.dictionary.to_pylist()
