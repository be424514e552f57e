"""Clean the rows of a reader: rows with missing or unreadable values are skipped and counted."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from services.testdata.traces.learn.report import Report
from services.testdata.traces.learn.values import Marks, numbers, texts, times
from services.testdata.traces.logs.errors import LogColumnUnfit
from services.testdata.traces.validation import MAX_TEXT

T = TypeVar("T")

RETRY = "retry"

_MOST_LATENCY = 1e15
"""The largest latency in milliseconds: thirty thousand years."""


@dataclass(frozen=True, slots=True)
class RawRows:
    """Rows as a reader found them, in columns of any Arrow type; None for columns that the log lacks.

    row: row numbers in the log, from 1.
    """

    row: npt.NDArray[np.int64]
    session: pa.Array
    endpoint: pa.Array
    timestamp: pa.Array
    latency: pa.Array | None = None
    status: pa.Array | None = None
    method: pa.Array | None = None
    fault_id: pa.Array | None = None
    fault_kind: pa.Array | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Calls that can be learned from.

    session: of 64-bit integers or strings. endpoint: strings, plain or dictionary-encoded. time: Unix microseconds.
    latency: ms, NaN if missing. status: 0 if missing. faulty: labelled as part of a cascade.
    """

    row: npt.NDArray[np.int64]
    session: pa.Array
    endpoint: pa.Array
    time: npt.NDArray[np.int64]
    latency: npt.NDArray[np.float32] | None
    status: npt.NDArray[np.int16] | None
    method: pa.Array | None
    faulty: Marks | None
    retry: Marks | None


@dataclass(slots=True)
class Cleaning:
    """Turns raw rows into rows. columns: role → name of the column, for errors."""

    report: Report
    columns: dict[str, str] = field(default_factory=dict)

    def clean(self, raw: RawRows) -> Rows:
        """The usable rows. Raises LogColumnUnfit if the type of a column does not fit its role."""
        session, bad_session = self._read("session", raw.session, _session)
        endpoint, bad_endpoint = self._read("endpoint", raw.endpoint, texts)
        time, bad_time = self._read("timestamp", raw.timestamp, times)
        reasons = {
            "BAD_TEXT": bad_session | bad_endpoint,
            "MISSING_SESSION": _empty(session),
            "MISSING_ENDPOINT": _empty(endpoint),
            "BAD_TIMESTAMP": bad_time,
        }
        good = np.ones(len(raw.row), np.bool_)
        for reason, bad in reasons.items():
            self.report.skip_rows(reason, raw.row, bad & good)
            good &= ~bad
        kinds = None if raw.fault_kind is None else self._read("fault_kind", raw.fault_kind, _plain)
        faulty = None if raw.fault_id is None else self._read("fault_id", raw.fault_id, _marked)
        if kinds is not None:
            faulty = ~_empty(kinds) if faulty is None else faulty | ~_empty(kinds)
        rows = Rows(
            row=raw.row,
            session=session,
            endpoint=self._named(endpoint, raw.row, good),
            time=time,
            latency=self._latency(raw, good),
            status=self._status(raw, good),
            method=None if raw.method is None else self._read("method", raw.method, _plain),
            faulty=faulty,
            retry=None if kinds is None else np.array(pc.equal(kinds, RETRY).fill_null(False)),
        )
        return rows if good.all() else _only(rows, good)

    def _read(self, role: str, column: pa.Array, read: Callable[[pa.Array], T]) -> T:
        try:
            return read(column)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            name = repr(self.columns.get(role, role))
            raise LogColumnUnfit(file=self.report.file, column=name, role=role, type=column.type) from error

    def _named(self, endpoint: pa.Array, row: npt.NDArray[np.int64], good: Marks) -> pa.Array:
        """The endpoints, as names that are valid in a workflow."""
        if not pa.types.is_dictionary(endpoint.type):
            endpoint = endpoint.fill_null("").dictionary_encode()
        names = endpoint.dictionary.to_pylist()
        renamed = [_printable(name) for name in names]
        if renamed == names:
            return endpoint
        odd = np.array([name != before for name, before in zip(renamed, names, strict=True)])
        self.report.skip_rows("ENDPOINT_RENAMED", row, odd[np.array(endpoint.indices)] & good)
        # Different names may be equal now; `Gathering` encodes them again.
        return pa.array(renamed, pa.string()).take(endpoint.indices)

    def _latency(self, raw: RawRows, good: Marks) -> npt.NDArray[np.float32] | None:
        if raw.latency is None:
            return None
        found, bad = self._read("latency", raw.latency, numbers)
        absurd = (found < 0) | (found > _MOST_LATENCY)
        found[absurd] = np.nan
        self.report.skip_rows("BAD_LATENCY", raw.row, (bad | absurd) & good)
        return found.astype(np.float32)

    def _status(self, raw: RawRows, good: Marks) -> npt.NDArray[np.int16] | None:
        if raw.status is None:
            return None
        found, bad = self._read("status", raw.status, numbers)
        fits = (found >= 100) & (found <= 599) & (found == np.floor(found))
        self.report.skip_rows("BAD_STATUS", raw.row, (bad | (~np.isnan(found) & ~fits)) & good)
        return np.where(fits, found, 0).astype(np.int16)


def _session(column: pa.Array) -> tuple[pa.Array, Marks]:
    if pa.types.is_integer(column.type):
        return column.cast(pa.int64(), safe=False), np.zeros(len(column), np.bool_)
    return texts(column)


def _empty(column: pa.Array) -> Marks:
    if pa.types.is_dictionary(column.type):
        empty: Marks = _empty(column.dictionary)[np.array(column.indices)]
        return empty
    missing: Marks = np.array(column.is_null())
    return missing if pa.types.is_integer(column.type) else missing | np.array(pc.equal(column, "").fill_null(True))


def _marked(column: pa.Array) -> Marks:
    """True for fault ids that are neither empty nor 0."""
    if pa.types.is_integer(column.type):
        return np.array(pc.not_equal(column, 0).fill_null(False))
    found = _plain(column)
    zero: Marks = np.array(pc.equal(found, "0").fill_null(False))
    return ~_empty(found) & ~zero


def _plain(column: pa.Array) -> pa.Array:
    """Decode a dictionary to plain strings."""
    return texts(column)[0].cast(pa.string())


def _printable(name: str) -> str:
    if name.isprintable() and len(name) <= MAX_TEXT:
        return name
    return "".join(character if character.isprintable() else "�" for character in name[:MAX_TEXT])


def _only(rows: Rows, good: Marks) -> Rows:
    mask = pa.array(good)
    parts: dict[str, Any] = {part.name: getattr(rows, part.name) for part in fields(rows)}
    for name, part in parts.items():
        if part is not None:
            parts[name] = part.filter(mask) if isinstance(part, pa.Array) else part[good]
    return Rows(**parts)
