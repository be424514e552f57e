"""What learnings need of the store, and of where logs lie."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.testdata.traces.learning.formats import LogFormat
from services.testdata.traces.learning.kept import Learning, LearningSpec, LearningState, Progress
from shared.engine.jobs import Job
from shared.requests import RequestKey


class LearningStore(Protocol):
    """The learnings of all companies."""

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """The name that the same request made before; None if it is new. Raises RequestIdReused."""
        ...

    async def create(self, learning: Learning, key: RequestKey | None = None) -> str:
        """Store it and return its name, or that of the first result for the same request. Raises RequestIdReused."""
        ...

    async def get(self, company: str, name: str) -> Learning:
        """Raises LearningNotFound."""
        ...

    async def page(self, company: str, state: LearningState | None, after: str, limit: int) -> list[Learning]:
        """Up to limit behind the one with the id after, oldest first, without what was learned."""
        ...

    async def cancel(self, learning: Learning, time: int) -> None:
        """Ask for it to stop; one that only waits is CANCELLED at once, and one that is over is let be."""
        ...

    async def delete(self, learning: Learning) -> bool:
        """Remove it for good if it is over; whether it was."""
        ...

    async def known(self, ids: Collection[str]) -> Collection[str]:
        """Those of the ids that there are."""
        ...

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Jobs of learnings that are not over and not running, of every company the oldest."""
        ...

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Those of these learnings that somebody asked to cancel, or that are gone."""
        ...

    async def find(self, name: str) -> Learning | None:
        """The learning, whoever's it is; None if it is gone."""
        ...

    async def note(self, learning: Learning, progress: Progress, byte_count: int) -> Learning:
        """Append how far it is: it is RUNNING. Raises AppendConflict if somebody else went on with it."""
        ...

    async def complete(self, learning: Learning, document: bytes, time: int) -> None:
        """Append that it is COMPLETED, with what was learned. Raises AppendConflict."""
        ...

    async def end(
        self, learning: Learning, state: LearningState, time: int, reason: str = "", detail: str = ""
    ) -> None:
        """Append that it is over without a result. Raises AppendConflict."""
        ...


@dataclass(frozen=True, slots=True)
class Log:
    """A log to learn from: files with their names for errors, in their order, and how many bytes they have together."""

    files: tuple[tuple[str, Path], ...]
    log_format: LogFormat
    byte_count: int


class Inputs(Protocol):
    """Where logs on the server lie."""

    async def check(self, company: str, spec: LearningSpec, field: str) -> None:
        """Refuse at once what can be known at once; field: the spec's path in the request.

        Raises InputNotAllowed, InputNotFound, InputUnreadable, FormatMissing, DatasetNotFound, DatasetNotLearnable.
        """
        ...

    def open(self, company: str, spec: LearningSpec, folder: Path) -> AbstractAsyncContextManager[Log]:
        """The log, for as long as it is needed; what must be fetched for it lies in the folder meanwhile.

        Raises as `check`.
        """
        ...
