"""What a job is, and what the engine asks of each kind of jobs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

TOPIC = "jobs"
"""The wake-up topic for new jobs and cancellations."""


NO_LIMIT = 1 << 31


class Limit(NamedTuple):
    """How many jobs that share `what` may run at once. If running jobs disagree, the lowest number holds for all."""

    what: str
    most: int


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work that can be run again at any time.

    kind, id: the two parts of the name of the resource, `{kind}/{id}`.
    company, group: the engine takes companies in turn, and in each company its groups.
    limits: what it shares with other jobs.
    """

    kind: str
    id: str
    company: str
    group: str = ""
    limits: tuple[Limit, ...] = ()

    @property
    def name(self) -> str:
        """`{kind}/{id}`."""
        return f"{self.kind}/{self.id}"


class JobSource(Protocol):
    """The jobs of one kind."""

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Jobs that can run and are not in `running`: some of every company and group, in each group's order."""
        ...

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Those of the ids in `running` whose job a caller asked to stop."""
        ...

    async def run(self, job: Job) -> None:
        """Do the work; if cancelled, leave it resumable. Raises Unavailable if it should be retried."""
        ...

    async def interrupt(self, job: Job) -> None:
        """End the work of an unwanted job, after `run` was cancelled."""
        ...
