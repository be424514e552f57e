"""Options for reading a log."""

from dataclasses import dataclass
from enum import StrEnum

NO_COLUMN = "-"
"""The name of a column that the log does not have."""

SESSION_GAP = 1_800.0
"""A pause of more seconds between a client's requests begins a new session."""


class LogKind(StrEnum):
    """The format of a log. Each may be gzipped, which is detected."""

    PARQUET = "PARQUET"
    CSV = "CSV"
    JSONL = "JSONL"
    ACCESS_LOG = "ACCESS_LOG"
    OTLP_JSON = "OTLP_JSON"
    EVENT_LOG = "EVENT_LOG"


@dataclass(frozen=True, slots=True)
class Columns:
    """Role → name of the column; "" for the usual name of the kind, NO_COLUMN for none."""

    session: str = ""
    endpoint: str = ""
    timestamp: str = ""
    latency: str = ""
    status: str = ""
    method: str = ""
    fault_id: str = ""
    fault_kind: str = ""


OURS = Columns("session", "endpoint", "timestamp", "latency_ms", "status", "method", "fault_id", "fault_kind")
"""The names in our own files."""
EVENT_LOGS = Columns("case_id", "activity", "timestamp", *[NO_COLUMN] * 5)
"""The usual names in event logs."""


@dataclass(frozen=True, slots=True)
class LogFormat:
    """Options for reading a log. session_gap: seconds, for access logs."""

    kind: LogKind
    columns: Columns = Columns()
    session_gap: float = SESSION_GAP
