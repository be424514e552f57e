"""A learning that is kept: what it learns from, where it stands, what was learned."""

from dataclasses import dataclass
from enum import StrEnum

from services.testdata.traces.learning.formats import LogFormat

PREFIX = "learnings/"
DEFAULT_NAME = "learned"
"""What the learned workflow is called unless it is told."""


class Export(StrEnum):
    """What is exported for machine learning, by the files' names."""

    TRANSITIONS = "transitions.parquet"
    NGRAMS = "ngrams.parquet"
    SESSION_FEATURES = "session_features.parquet"


class LearningState(StrEnum):
    """Where a learning stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def over(self) -> bool:
        """Whether nothing more happens."""
        return self in OVER


OVER = (LearningState.COMPLETED, LearningState.FAILED, LearningState.CANCELLED)


@dataclass(frozen=True, slots=True)
class LearningSpec:
    """What to learn from on the server: a dataset by its name, or a path below an input root, the other being "".

    log_format: how to read the path's log; None for a dataset. workflow_name: what the learned workflow is called.
    """

    dataset: str = ""
    path: str = ""
    log_format: LogFormat | None = None
    workflow_name: str = DEFAULT_NAME


@dataclass(frozen=True, slots=True)
class Learning:
    """A learning.

    spec: None for a log that came with the call. document: what was learned, for `read_learned`; None unless it is
    COMPLETED, and in lists.
    wanted: CANCELLED once somebody asked for it. next_seq: of its event log. Times are Unix milliseconds.
    """

    id: str
    company: str
    state: LearningState
    spec: LearningSpec | None
    creator: str
    create_time: int
    document: bytes | None = None
    bytes_done: int = 0
    byte_count: int = 0
    reason: str = ""
    detail: str = ""
    wanted: LearningState | None = None
    end_time: int = 0
    next_seq: int = 1

    @property
    def name(self) -> str:
        """`learnings/{id}`."""
        return PREFIX + self.id


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a learning is."""

    bytes_done: int
    calls: int
