"""Sort calls by session."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.testdata.traces.learn.gathering import Gathering, LogCalls
from services.testdata.traces.learn.report import Report


@dataclass(frozen=True, slots=True)
class Sessions:
    """Calls without retries, sorted by session and then by time; calls of equal time stay in the order of the log.

    starts: session i is the calls from starts[i] to before starts[i + 1].
    """

    calls: LogCalls
    starts: npt.NDArray[np.int64]

    @property
    def count(self) -> int:
        """The number of sessions."""
        return len(self.starts) - 1


def in_sessions(calls: LogCalls, gathering: Gathering, report: Report, gap: float | None) -> Sessions:
    """Sort the calls in place, cut them into sessions, and count calls that were out of order.

    gap: a pause of more seconds begins a new session; None: the log names the sessions.
    """
    order = _grouped(calls.session)
    session, time = (calls.session, calls.time) if order is None else (calls.session[order], calls.time[order])
    late = np.flatnonzero((np.diff(time) < 0) & (np.diff(session) == 0)) + 1
    if len(late):
        places = late if order is None else order[late]
        report.skip("OUT_OF_ORDER", gathering.row(int(places.min())), len(late))
        order = np.lexsort((calls.time, calls.session))
    del session, time
    if order is not None:
        calls.take(order)
    if calls.retry is not None and calls.retry.any():
        repeats = np.flatnonzero(calls.retry)
        first = repeats if order is None else order[repeats]
        report.skip("RETRY", gathering.row(int(first.min())), len(repeats))
        calls.take(~calls.retry)
    new = np.diff(calls.session) != 0
    if gap is not None:
        new |= np.diff(calls.time) > gap * 1e6
    return Sessions(calls, np.concatenate([[0], np.flatnonzero(new) + 1, [len(calls.session)]]).astype(np.int64))


def _grouped(session: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
    """The order that makes sessions contiguous; None if they already are."""
    return None if bool((session[1:] >= session[:-1]).all()) else np.argsort(session, kind="stable")
