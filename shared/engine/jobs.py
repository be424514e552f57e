"""What a job is, and what the engine asks of whoever has them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

TOPIC = "jobs"
"""The wake-up topic on which a Start, a Run, a Retry or a Cancel tells the owner that there is something to do."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work, safe to run again at any time.

    kind, name: what and of which resource. company, group: for whom and of which batch ("" for none); the engine takes
    companies in turn, and the batches of a company in turn.
    """

    kind: str
    name: str
    company: str
    group: str = ""


class JobSource(Protocol):
    """Whose jobs the engine runs."""

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Jobs that can run now and are not running: some of every company and batch, in the order of each batch."""
        ...

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Those of the running jobs whose work somebody asked to stop."""
        ...

    async def run(self, job: Job) -> None:
        """Do the work, to its end. Raises Unavailable for what may pass; cancelled, it leaves the work resumable."""
        ...

    async def interrupt(self, job: Job) -> None:
        """End a job's work that was running and is not wanted any more."""
        ...
