"""The writer: one task that commits many waiting units of work together, because a durable commit is slow."""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction

from shared.db.appends import Append, Appended, Appender, Write
from shared.db.faults import StoreUnavailable, is_deadlock, is_unavailable, store_error
from shared.db.sqlite import SqliteThreads
from shared.db.topics import announced
from shared.db.wakeups import Wakeups

T = TypeVar("T")

GROUP = 256
"""The most units in a commit."""

DEADLOCKS = 5
"""How often a group that lost a deadlock runs again."""

PAUSE = 0.02
"""The longest pause after the first deadlock, in seconds; after the second twice as long, and so on."""


_Work = Append | Write | Callable[[AsyncConnection], Awaitable[object]]


@dataclass(slots=True, eq=False)
class _Unit:
    work: _Work
    answer: asyncio.Future[Any]


class Writer:
    """Runs every write of this process to its database.

    The units that wait when a commit ends are the next group: first the appends, then the writes, then the units of
    `run`, each in the order of arrival. A unit that fails leaves the others alone; only an unavailable store fails the
    whole group.

    appending: runs groups of appends and writes on SQLite, in a thread.
    file: the name of an SQLite file, for errors.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        appender: Appender,
        wakeups: Wakeups,
        on_fault: Callable[[Exception], None],
        appending: SqliteThreads | None,
        file: str,
    ) -> None:
        self._file = file
        self._engine = engine
        self._appending = appending
        self._appender = appender
        self._wakeups = wakeups
        self._on_fault = on_fault
        self._conn: AsyncConnection | None = None
        self._units: deque[_Unit] = deque()
        self._waiting = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._work(), name="writer")

    async def append(self, append: Append) -> Appended:
        """Append, and return when the events are on disk.

        Raises AppendConflict if other events are stored at `expected`, StreamInterrupted, StreamNotFound, or
        StoreUnavailable. After the last the events may be stored nevertheless: repeat the append with the same ids.
        """
        return cast(Appended, await self._submit(append))

    async def write(self, write: Write) -> None:
        """Run a statement, and return when its change is on disk. Raises StoreUnavailable, and what it raises."""
        await self._submit(write)

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in a savepoint of the next group, and return its result when it is on disk.

        work: awaits only the connection, because all other writes wait for it. It may run again after a rollback.
        Raises what work raises (nothing is stored then), or StoreUnavailable.
        """
        return cast(T, await self._submit(work))

    async def close(self) -> None:
        """Commit the waiting units, then stop."""
        self._closing = True
        self._waiting.set()
        await self._task
        await self._disconnect()

    def _submit(self, work: _Work) -> asyncio.Future[Any]:
        if self._closing:
            raise StoreUnavailable
        unit = _Unit(work, asyncio.get_running_loop().create_future())
        self._units.append(unit)
        self._waiting.set()
        return unit.answer

    async def _work(self) -> None:
        while self._units or not self._closing:
            await self._waiting.wait()
            group = [self._units.popleft() for _ in range(min(GROUP, len(self._units)))]
            if not self._units and not self._closing:
                self._waiting.clear()
            # Skip the units whose caller was cancelled.
            group = [unit for unit in group if not unit.answer.done()]
            if group:
                _answer(await self._commit(group))

    async def _commit(self, group: Sequence[_Unit]) -> list[tuple[_Unit, object]]:
        """Commit a group; each unit with its result or exception."""
        try:
            outcomes, topics = await self._run_group(group)
        except Exception as error:
            await self._disconnect()
            if (told := store_error(error, self._file)) is None:
                return [(unit, error) for unit in group]
            self._on_fault(error)
            return [(unit, told) for unit in group]
        self._wakeups.notify(topics)
        return outcomes

    async def _run_group(self, group: Sequence[_Unit]) -> tuple[list[tuple[_Unit, object]], set[str]]:
        """Run a group; if a unit fails it, once more with each unit alone. A group that lost a deadlock runs again."""
        alone, deadlocks = False, 0
        while True:
            try:
                return await self._transact(group, alone=alone)
            except Exception as error:
                if is_deadlock(error) and deadlocks < DEADLOCKS:
                    deadlocks += 1
                elif alone or is_unavailable(error):
                    raise
            if deadlocks:
                # Without a pause the same two transactions often lock each other out again.
                await asyncio.sleep(random.uniform(0, PAUSE * deadlocks))  # noqa: S311
            alone = True

    async def _transact(self, group: Sequence[_Unit], *, alone: bool) -> tuple[list[tuple[_Unit, object]], set[str]]:
        appends = [unit for unit in group if isinstance(unit.work, Append | Write)]
        runs = [unit for unit in group if not isinstance(unit.work, Append | Write)]
        works = [cast(Append | Write, unit.work) for unit in appends]
        results: list[object]
        if self._appending is not None and not runs:
            outcomes, topics = await self._appending.run(self._appender.run, works, alone)
            return list(zip(appends, outcomes, strict=True)), topics
        conn = await self._connection()
        announced(conn)
        async with conn.begin() as transaction:
            # Appends and writes run first, without a savepoint: if they fail, nothing else has to be rolled back.
            outcomes, topics = await conn.run_sync(self._appender.run, works, alone) if works else ([], set())
            results = [*outcomes]
            if len(group) == 1 and runs:
                results.append(await self._run_alone(conn, transaction, runs[0], topics))
            else:
                for unit in runs:
                    results.append(await self._run(conn, unit, topics))
            if topics:
                await self._wakeups.send(conn, topics)
        return list(zip(appends + runs, results, strict=True)), topics

    async def _run(self, conn: AsyncConnection, unit: _Unit, topics: set[str]) -> object:
        work = cast(Callable[[AsyncConnection], Awaitable[object]], unit.work)
        try:
            async with conn.begin_nested():
                result = await work(conn)
        except Exception as error:
            announced(conn)
            if is_unavailable(error):
                raise
            return error
        topics |= announced(conn)
        return result

    async def _run_alone(
        self, conn: AsyncConnection, transaction: AsyncTransaction, unit: _Unit, topics: set[str]
    ) -> object:
        """Run a unit that has the transaction to itself, and so needs no savepoint."""
        work = cast(Callable[[AsyncConnection], Awaitable[object]], unit.work)
        try:
            result = await work(conn)
        except Exception as error:
            announced(conn)
            if is_unavailable(error):
                raise
            await transaction.rollback()
            return error
        topics |= announced(conn)
        return result

    async def _connection(self) -> AsyncConnection:
        if self._conn is None:
            self._conn = await self._engine.connect()
        return self._conn

    async def _disconnect(self) -> None:
        """Close the connection, whatever its state; the next group makes a new one."""
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(Exception):
                await conn.invalidate()
            with contextlib.suppress(Exception):
                await conn.close()


def _answer(outcomes: Sequence[tuple[_Unit, object]]) -> None:
    for unit, outcome in outcomes:
        if unit.answer.done():
            continue
        if isinstance(outcome, Exception):
            unit.answer.set_exception(outcome)
        else:
            unit.answer.set_result(outcome)
