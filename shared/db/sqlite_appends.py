"""Where SQLite's appends run: in a thread, or in a process of their own.

A busy event loop and a thread that writes share one interpreter's lock: each waits for the other, and half of the
machine idles. In a process beside it the writer has an interpreter to itself.
"""

import contextlib
from collections.abc import Sequence
from functools import cache
from typing import Protocol

from sqlalchemy import URL, Connection, MetaData, make_url

from shared.compute import Compute, WorkerCrashed
from shared.db.appends import Append, Appended, Appender, Constant
from shared.db.sqlite import WRITE, SqliteThreads, Transactions
from shared.db.tables import event_tables
from shared.db.topics import announced

Outcomes = tuple[list[Appended | Exception], set[str]]
"""What became of each append of a group, and the topics that have news."""


def run_appends(conn: Connection, appender: Appender, appends: Sequence[Append], alone: bool) -> Outcomes:
    """Append inside a transaction that the caller commits; alone: each in a savepoint."""
    announced(conn)
    outcomes = appender.alone(conn, appends) if alone else appender.together(conn, appends)
    return outcomes, announced(conn)


class SqliteAppends(Protocol):
    """Runs groups of appends, each group in a transaction of its own."""

    async def run(self, appends: Sequence[Append], *, alone: bool) -> Outcomes:
        """Append, and commit; alone: each in a savepoint. Raises what a statement or the commit raises."""
        ...

    async def close(self) -> None:
        """Finish what runs and let go of everything."""
        ...


class InThread:
    """Appends in a thread of this process."""

    def __init__(self, url: URL) -> None:
        self._thread = SqliteThreads(url, WRITE, 1)
        self._appender = _appender()

    async def run(self, appends: Sequence[Append], *, alone: bool) -> Outcomes:
        """As SqliteAppends says."""
        return await self._thread.run(run_appends, self._appender, appends, alone)

    async def close(self) -> None:
        """Finish what runs, then let go of the connection."""
        await self._thread.close()


class InProcess:
    """Appends in a process of their own, which is started anew when it was killed."""

    def __init__(self, url: URL) -> None:
        self._url = url.render_as_string(hide_password=False)
        self._process = Compute(1)

    @classmethod
    async def start(cls, url: URL, statements: Sequence[Constant]) -> "InProcess":
        """Start the process with what it needs, which takes half a second that the first append would else take.

        statements: those that appends bring along.
        """
        appends = cls(url)
        with contextlib.suppress(WorkerCrashed):
            await appends._process.run(_open, appends._url, statements)
        return appends

    async def run(self, appends: Sequence[Append], *, alone: bool) -> Outcomes:
        """As SqliteAppends says."""
        try:
            return await self._process.run(_append, self._url, appends, alone)
        except WorkerCrashed:
            # Killed: before the commit, or after it, and then the events are found where they are to be.
            return await self._process.run(_append, self._url, appends, alone)

    async def close(self) -> None:
        """End the process."""
        await self._process.close()


def _append(url: str, appends: Sequence[Append], alone: bool) -> Outcomes:
    transactions, appender = _opened(url)
    return transactions.run(run_appends, appender, appends, alone)


def _open(url: str, statements: Sequence[Constant]) -> None:  # noqa: ARG001 - to read them was to import them
    _opened(url)


@cache
def _opened(url: str) -> tuple[Transactions, Appender]:
    """What the process keeps from one group to the next."""
    return Transactions(make_url(url), WRITE, 1), _appender()


def _appender() -> Appender:
    return Appender(event_tables(MetaData()), "sqlite")
