"""Calls brought into the order of their sessions."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from services.testdata.traces.learning.gathering import Calls, Gathering
from services.testdata.traces.learning.report import Report


@dataclass(frozen=True, slots=True)
class Sessions:
    """Calls without retries, session by session, each in the order of time.

    starts: session i is starts[i] to before starts[i + 1]. Of calls at one time the log's order is kept.
    """

    calls: Calls
    starts: npt.NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.starts) - 1


def in_sessions(calls: Calls, gathering: Gathering, report: Report, gap: float | None) -> Sessions:
    """Sort, cut and count what was out of order.

    gap: seconds without a call after which a new session begins; None: the log says what a session is.
    """
    order = _grouped(calls.session)
    grouped = calls if order is None else replace(calls, session=calls.session[order], time=calls.time[order])
    late = np.flatnonzero((np.diff(grouped.time) < 0) & (np.diff(grouped.session) == 0)) + 1
    if len(late):
        places = late if order is None else order[late]
        report.skip("OUT_OF_ORDER", gathering.row(int(places.min())), len(late))
        order = np.lexsort((calls.time, calls.session))
    if order is not None:
        calls = taken(calls, order)
    if calls.retry is not None and calls.retry.any():
        repeats = np.flatnonzero(calls.retry)
        first = repeats if order is None else order[repeats]
        report.skip("RETRY", gathering.row(int(first.min())), len(repeats))
        calls = taken(calls, ~calls.retry)
    new = np.diff(calls.session) != 0
    if gap is not None:
        new |= np.diff(calls.time) > gap * 1e6
    return Sessions(calls, np.concatenate([[0], np.flatnonzero(new) + 1, [len(calls.session)]]).astype(np.int64))


def taken(calls: Calls, which: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Calls:
    """Those of the calls, in that order."""
    columns: dict[str, Any] = {part.name: getattr(calls, part.name) for part in fields(calls)}
    columns = {name: None if column is None else column[which] for name, column in columns.items()}
    return Calls(**columns)


def _grouped(session: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
    """The order in which sessions lie next to each other; None if they do already."""
    return None if bool((session[1:] >= session[:-1]).all()) else np.argsort(session, kind="stable")
