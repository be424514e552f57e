"""What a dataset is made from and what is known of it."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from services.testdata.traces.formats import Format
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow

PREFIX = "datasets/"


class DatasetState(StrEnum):
    """Where a dataset stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def over(self) -> bool:
        """Whether nothing more happens unless it is retried."""
        return self in OVER


OVER = (DatasetState.COMPLETED, DatasetState.FAILED, DatasetState.CANCELLED)


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """What a dataset is made from, but for its workflow, and where to; every default is filled in.

    workflow: its name. first, count: the sessions, numbered from 1.
    format: one of those that are written to files. destination: as it was given, or a folder of the dataset's own name.
    """

    workflow: str
    parameters: Parameters
    first: int
    count: int
    format: Format
    destination: str


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is written. index: from 0. sha256: in hexadecimal."""

    index: int
    file: str
    session_count: int
    call_count: int
    byte_count: int
    sha256: str


class Milestone(Enum):
    """What happens to a dataset beside its parts: it is taken up, and it is over."""

    BEGUN = "begun"
    ENDED = "ended"


DatasetEvent = Part | Milestone
"""What the event log of a dataset is made of."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset.

    location: a folder's whole path, or an `s3://` address; no two datasets have the same.
    workflow: None in lists.
    claimed: whether its place was found empty, so that what lies there now is its own.
    wanted: CANCELLED once somebody asked for it.
    call_count, byte_count: of the parts that are written. next_seq: of its event log. Times are Unix milliseconds.
    """

    id: str
    company: str
    state: DatasetState
    spec: DatasetSpec
    workflow: Workflow | None
    workflow_digest: str
    algorithm: str
    location: str
    part_count: int
    creator: str
    create_time: int
    parts_done: int = 0
    sessions_done: int = 0
    call_count: int = 0
    byte_count: int = 0
    claimed: bool = False
    wanted: DatasetState | None = None
    reason: str = ""
    detail: str = ""
    end_time: int = 0
    next_seq: int = 1

    @property
    def name(self) -> str:
        """`datasets/{id}`."""
        return PREFIX + self.id
