"""pm4py: the directly-follows graph of an event log."""

from collections.abc import Mapping
from typing import Any

import pandas  # type: ignore[import-untyped]
import pm4py  # type: ignore[import-not-found]

from benchmarks.contestant import Work


def learn(given: Mapping[str, Any]) -> Work:
    """Count the transitions, entries and exits of a log with `discover_dfg`, from a data frame in memory. Unit: a call.

    given: log, a CSV file with the columns session, endpoint and timestamp (ms) in their order.
    """
    frame = pandas.read_csv(given["log"])
    frame["timestamp"] = pandas.to_datetime(frame["timestamp"], unit="ms", utc=True)
    log = pm4py.format_dataframe(frame, case_id="session", activity_key="endpoint", timestamp_key="timestamp")

    def work(_: int) -> int:
        pm4py.discover_dfg(log)
        return len(log)

    return work
