"""Where logs on the server are read from."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.testdata.learnings.model import LearningSpec
from services.testdata.traces.logs.formats import LogFormat


@dataclass(frozen=True, slots=True)
class Log:
    """A log to learn from.

    files: (name for errors, path), in order. byte_count: of all files. left_out: the names of entries of the folder
    that are not read.
    """

    files: tuple[tuple[str, Path], ...]
    log_format: LogFormat
    byte_count: int
    left_out: tuple[str, ...] = ()


class Inputs(Protocol):
    """Everywhere that logs may be read from."""

    async def check(self, company: str, spec: LearningSpec, field: str) -> None:
        """Refuse at once what can be refused without reading. field: the spec's path in the request.

        Raises InputNotAllowed, InputNotFound, InputUnreadable, FormatMissing, DatasetNotFound, DatasetNotLearnable.
        """
        ...

    def open(self, company: str, spec: LearningSpec, folder: Path) -> AbstractAsyncContextManager[Log]:
        """The log, while the context is open. folder: for fetched files. Raises what `check` raises."""
        ...
