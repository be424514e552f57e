"""The writer: one task that commits many waiting units at once, so that a durable commit is paid once for all."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.appends import Append, Appended, Appender
from shared.db.faults import StoreUnavailable, is_deadlock, is_unavailable
from shared.db.sqlite_appends import SqliteAppends, run_appends
from shared.db.topics import announced
from shared.db.wakeups import Wakeups

T = TypeVar("T")

GROUP = 256
"""Units committed at once, at most."""


@dataclass(slots=True, eq=False)
class _Unit:
    work: Append | Callable[[AsyncConnection], Awaitable[object]]
    answer: asyncio.Future[Any]


class Writer:
    """The only one in this process that writes to the database.

    What waits when a commit ends makes up the next group: first the appends, then the transactions of `run`, each in
    the order of their arrival. One unit's failure is its own; only a store that is out of order fails them all.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        appender: Appender,
        wakeups: Wakeups,
        on_fault: Callable[[Exception], None],
        elsewhere: SqliteAppends | None,
    ) -> None:
        self._engine = engine
        self._elsewhere = elsewhere
        self._appender = appender
        self._wakeups = wakeups
        self._on_fault = on_fault
        self._conn: AsyncConnection | None = None
        self._units: deque[_Unit] = deque()
        self._waiting = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._work(), name="writer")

    async def append(self, append: Append) -> Appended:
        """Append and return when it is on disk.

        Raises AppendConflict if other events stand at `expected`, StreamInterrupted, StreamNotFound, or
        StoreUnavailable; after the last the events may stand all the same, so repeat the append with the same ids.
        """
        return cast(Appended, await self._submit(append))

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run work in a savepoint of the next group and return its result when it is on disk.

        work awaits nothing but the connection, for everybody's writes wait for it, and it can be run a second time
        after its first was rolled back. Raises what work raises (then none of it is stored) or StoreUnavailable.
        """
        return cast(T, await self._submit(work))

    async def close(self) -> None:
        """Commit what still waits, then stop."""
        self._closing = True
        self._waiting.set()
        await self._task
        await self._disconnect()

    def _submit(self, work: Append | Callable[[AsyncConnection], Awaitable[object]]) -> asyncio.Future[Any]:
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
            # Who was cancelled while waiting no longer wants it.
            group = [unit for unit in group if not unit.answer.done()]
            if group:
                _answer(await self._commit(group))

    async def _commit(self, group: Sequence[_Unit]) -> list[tuple[_Unit, object]]:
        """Each unit with its result or its exception."""
        try:
            try:
                outcomes, topics = await self._transact(group, alone=False)
            except Exception as error:
                if is_unavailable(error) and not is_deadlock(error):
                    raise
                outcomes, topics = await self._transact(group, alone=True)
        except Exception as error:
            await self._disconnect()
            if not is_unavailable(error):
                return [(unit, error) for unit in group]
            self._on_fault(error)
            return [(unit, StoreUnavailable()) for unit in group]
        self._wakeups.notify(topics)
        return outcomes

    async def _transact(self, group: Sequence[_Unit], *, alone: bool) -> tuple[list[tuple[_Unit, object]], set[str]]:
        appends = [unit for unit in group if isinstance(unit.work, Append)]
        runs = [unit for unit in group if not isinstance(unit.work, Append)]
        works = [cast(Append, unit.work) for unit in appends]
        results: list[object]
        if self._elsewhere is not None and not runs:
            outcomes, topics = await self._elsewhere.run(works, alone=alone)
            return list(zip(appends, outcomes, strict=True)), topics
        conn = await self._connection()
        announced(conn)
        async with conn.begin():
            # Appends come first: if they fail together, nothing else is rolled back, and they need no savepoint.
            outcomes, topics = await conn.run_sync(run_appends, self._appender, works, alone) if works else ([], set())
            results = [*outcomes]
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

    async def _connection(self) -> AsyncConnection:
        if self._conn is None:
            self._conn = await self._engine.connect()
        return self._conn

    async def _disconnect(self) -> None:
        """Leave the connection, whatever state it is in; the next group makes a new one."""
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
