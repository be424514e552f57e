"""How a log is to be read."""

from dataclasses import dataclass
from enum import StrEnum

NO_COLUMN = "-"
"""In place of a column's name: the log has none."""

SESSION_GAP = 1_800.0
"""Seconds without a request after which a client's next one begins a new session."""


class LogKind(StrEnum):
    """What the bytes of a log are; gzip of any of them is told by its first bytes."""

    PARQUET = "PARQUET"
    CSV = "CSV"
    JSONL = "JSONL"
    ACCESS_LOG = "ACCESS_LOG"
    OTLP_JSON = "OTLP_JSON"
    EVENT_LOG = "EVENT_LOG"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what; "" for a name that the kind is known for, NO_COLUMN where there is none."""

    session: str = ""
    endpoint: str = ""
    timestamp: str = ""
    latency: str = ""
    status: str = ""
    method: str = ""
    fault_id: str = ""
    fault_kind: str = ""


OURS = Columns("session", "endpoint", "timestamp", "latency_ms", "status", "method", "fault_id", "fault_kind")
"""What our own files call them."""
EVENT_LOGS = Columns("case_id", "activity", "timestamp", *[NO_COLUMN] * 5)
"""What event logs mostly call them."""


@dataclass(frozen=True, slots=True)
class LogFormat:
    """How to read a log; session_gap, in seconds, is for access logs."""

    kind: LogKind
    columns: Columns = Columns()
    session_gap: float = SESSION_GAP
