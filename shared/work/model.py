"""The states of long work and what is stored of every one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class State(StrEnum):
    """The state of a long work."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def over(self) -> bool:
        """True if no job works on it. A retry may start it again."""
        return self in OVER


OVER = (State.COMPLETED, State.FAILED, State.CANCELLED)

TRANSITIONS: Mapping[State, tuple[State, ...]] = {
    State.PENDING: (State.RUNNING, *OVER),
    State.RUNNING: (State.RUNNING, *OVER),
    State.COMPLETED: (),
    State.FAILED: (State.PENDING,),
    State.CANCELLED: (),
}
"""The states that may follow each state."""

BEGUN = b'{"milestone":"begun"}'
ENDED = b'{"milestone":"ended"}'
"""The events that every kind of work has; a noun's own events come between them."""


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """One long work.

    name: `{collection}/{id}`. body: what the noun stores in addition to the common columns.
    reason, detail: of the error of a FAILED work, else "". wanted: CANCELLED if a caller cancelled it and a job has not
    ended it yet.
    next_seq: the number of the next event in its log. Times are Unix milliseconds; end_time is 0 until it is over.
    """

    name: str
    company: str
    creator: str
    create_time: int
    body: T
    state: State = State.PENDING
    reason: str = ""
    detail: str = ""
    wanted: State | None = None
    end_time: int = 0
    next_seq: int = 1

    @property
    def id(self) -> str:
        """The part of the name after the slash; the event log's stream."""
        return self.name.partition("/")[2]
