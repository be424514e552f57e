"""A service's database: SQLite or PostgreSQL by its URL, with readers, the one writer, wake-ups and its own health."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVarTuple

import structlog
from sqlalchemy import URL, Connection, MetaData, Row, Select, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.db.appends import Appender, Constant
from shared.db.faults import StoreUnavailable, is_unavailable
from shared.db.postgres import CONNECT_TIMEOUT, STATEMENT_TIMEOUT
from shared.db.sqlite import LOCK_TIMEOUT, READ, WRITE, SqliteThreads, options, set_up
from shared.db.sqlite_appends import InProcess, InThread, SqliteAppends
from shared.db.tables import event_tables
from shared.db.wakeups import PostgresWakeups, Wakeups
from shared.db.writer import Writer

Ts = TypeVarTuple("Ts")

Query = tuple[Select[Any], Mapping[str, object] | None]
"""A statement and its parameters."""

READERS = 4
PROBE_INTERVAL = 1.0
PROBE_BYTES = 1 << 18
"""What the probe writes: enough that a disk with one free page left does not count as working."""

_log = structlog.get_logger(__name__)


class Database:
    """One database of one service; open it with `Database.open`.

    dialect: "sqlite" or "postgresql".
    writer: everything that is written goes through it.
    wakeups: who waits for news of a stream or feed waits here.
    healthy: False from the first fault until a write has succeeded again.
    """

    def __init__(
        self,
        url: URL,
        readers: AsyncEngine,
        writers: AsyncEngine,
        wakeups: Wakeups,
        reading: SqliteThreads | None,
        appending: SqliteAppends | None,
    ) -> None:
        self.url = url
        self.dialect = url.get_backend_name()
        self.wakeups = wakeups
        self.healthy = True
        self._readers = readers
        self._writers = writers
        self._reading = reading
        self._appending = appending
        self._listeners: list[Callable[[bool], None]] = []
        self._probe: asyncio.Task[None] | None = None
        appender = Appender(event_tables(MetaData()), self.dialect)
        self.writer = Writer(writers, appender, wakeups, self._fault, appending)
        # A server that is gone is a fault even while nobody asks anything of it.
        wakeups.on_fault(self._fault)

    @classmethod
    async def open(cls, url: str, *, writer_process: Sequence[Constant] | None = None) -> "Database":
        """Open `sqlite+aiosqlite:///path` or `postgresql+asyncpg://user:password@host/database`.

        writer_process: if given, appends to SQLite run in a process of their own, which has these statements at hand.
        Raises StoreUnavailable if it cannot be reached. It does not create tables; `migrate` does.
        """
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        if sqlite:
            readers, writers = _sqlite_engine(parsed, READ, READERS), _sqlite_engine(parsed, WRITE, 1)
        else:
            readers, writers = _postgres_engine(parsed, READERS, read_only=True), _postgres_engine(parsed, 1)
        try:
            async with readers.connect():
                wakeups = Wakeups() if sqlite else await PostgresWakeups.open(parsed)
        except Exception as error:
            await readers.dispose()
            if is_unavailable(error):
                raise StoreUnavailable from error
            raise
        if not sqlite:
            return cls(parsed, readers, writers, wakeups, None, None)
        appending = InThread(parsed) if writer_process is None else await InProcess.start(parsed, writer_process)
        return cls(parsed, readers, writers, wakeups, SqliteThreads(parsed, READ, READERS), appending)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One snapshot of the database, read only; keep it short. Raises StoreUnavailable if the store is."""
        try:
            async with self._readers.connect() as conn, conn.begin():
                yield conn
        except Exception as error:
            if not is_unavailable(error):
                raise
            self._fault(error)
            raise StoreUnavailable from error

    async def fetch(self, statement: Select[*Ts], parameters: Mapping[str, object] | None = None) -> Sequence[Row[*Ts]]:
        """The rows of one query. Raises StoreUnavailable if the store is."""
        query: tuple[Any, Mapping[str, object] | None] = statement, parameters
        (rows,) = await self.fetch_each(query)
        return rows

    async def fetch_each(self, *queries: Query) -> Sequence[Sequence[Row[Any]]]:
        """The rows of each of some queries in one snapshot. Raises StoreUnavailable if the store is."""
        if self._reading is None:
            async with self.read() as conn:
                return [(await conn.execute(statement, parameters)).all() for statement, parameters in queries]
        try:
            return await self._reading.run(_each, queries)
        except Exception as error:
            if not is_unavailable(error):
                raise
            self._fault(error)
            raise StoreUnavailable from error

    def on_health(self, callback: Callable[[bool], None]) -> None:
        """Call callback with each change of `healthy`."""
        self._listeners.append(callback)

    async def close(self) -> None:
        """Commit what waits, then let go of every connection."""
        await self.writer.close()
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait([self._probe])
        await self.wakeups.close()
        for threads in (self._reading, self._appending):
            if threads is not None:
                await threads.close()
        await self._readers.dispose()
        await self._writers.dispose()

    def _fault(self, error: Exception) -> None:
        if self._probe is None or self._probe.done():
            # The driver's own words: SQLAlchemy's would bring the statement along.
            cause = error.orig if isinstance(error, DBAPIError) else error
            _log.error("the store is unavailable", error=str(cause) or type(cause).__name__)
            self._set_healthy(False)
            self._probe = asyncio.create_task(self._recover(), name="store probe")

    async def _recover(self) -> None:
        while True:
            # A fault of the probe itself ends in _fault too, which sees that one is under way.
            with contextlib.suppress(StoreUnavailable):
                await self.writer.run(self._write_much)
                await self.writer.run(self._clean_up)
                async with self.read() as conn:
                    await conn.execute(text("SELECT 1"))
                break
            await asyncio.sleep(PROBE_INTERVAL)
        _log.info("the store is available again")
        self._set_healthy(True)

    async def _write_much(self, conn: AsyncConnection) -> None:
        """Write PROBE_BYTES for real: on PostgreSQL into a table that goes away with the transaction."""
        if self.dialect == "sqlite":
            await conn.execute(text("CREATE TABLE IF NOT EXISTS store_probe (filler BLOB)"))
            await conn.execute(text("INSERT INTO store_probe VALUES (zeroblob(:bytes))"), {"bytes": PROBE_BYTES})
        else:
            await conn.execute(
                text("CREATE TEMPORARY TABLE store_probe ON COMMIT DROP AS SELECT repeat('x', :bytes) AS filler"),
                {"bytes": PROBE_BYTES},
            )

    async def _clean_up(self, conn: AsyncConnection) -> None:
        if self.dialect == "sqlite":
            await conn.execute(text("DROP TABLE IF EXISTS store_probe"))

    def _set_healthy(self, healthy: bool) -> None:
        self.healthy = healthy
        for listener in self._listeners:
            listener(healthy)


def _each(conn: Connection, queries: Sequence[Query]) -> Sequence[Sequence[Row[Any]]]:
    return [conn.execute(statement, parameters).all() for statement, parameters in queries]


def _sqlite_engine(url: URL, begin: str, connections: int) -> AsyncEngine:
    """A pool of aiosqlite's connections whose transactions start with begin."""
    engine = create_async_engine(url, **options(connections))
    set_up(engine.sync_engine, begin)
    return engine


def _postgres_engine(url: URL, connections: int, *, read_only: bool = False) -> AsyncEngine:
    """A pool of connections that give up on a lock, and on a server that does not answer."""
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
        isolation_level="REPEATABLE READ" if read_only else "READ COMMITTED",
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": STATEMENT_TIMEOUT,
            "server_settings": {"application_name": "greenroom", "lock_timeout": f"{LOCK_TIMEOUT * 1000:.0f}"},
        },
    )
    return engine.execution_options(postgresql_readonly=True) if read_only else engine
