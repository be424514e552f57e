"""A service's database, SQLite or PostgreSQL by its URL: readers, one writer, wake-ups and health."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVarTuple

import structlog
from sqlalchemy import URL, Connection, MetaData, Row, Select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.db.address import Address, DatabaseRefused, problem_of, read_address
from shared.db.appends import Appender
from shared.db.faults import StoreDamaged, StoreUnavailable, is_damaged, store_error
from shared.db.options import DatabaseOptions
from shared.db.postgres import connect_arguments
from shared.db.sqlite import READ, WRITE, SqliteThreads, arguments, set_up
from shared.db.tables import event_tables
from shared.db.wakeups import PostgresWakeups, Wakeups
from shared.db.writer import Writer

Ts = TypeVarTuple("Ts")

Query = tuple[Select[Any], Mapping[str, object] | None]
"""A statement and its parameters."""

PROBE_INTERVAL = 1.0
PROBE_BYTES = 1 << 18
"""Bytes that the probe writes; enough to fail on a disk with only one free page."""

_log = structlog.get_logger(__name__)


class Database:
    """One database of one service; open it with `Database.open`.

    dialect: "sqlite" or "postgresql".
    writer: runs every write.
    wakeups: wakes tasks that wait for a stream or feed to change.
    healthy: False from the first fault until a write succeeds again; for good if an SQLite file is damaged.
    file: the name of an SQLite file.
    """

    def __init__(
        self,
        address: Address,
        options: DatabaseOptions,
        readers: AsyncEngine,
        writers: AsyncEngine,
        wakeups: Wakeups,
        reading: SqliteThreads | None,
        appending: SqliteThreads | None,
    ) -> None:
        self.address = address
        self.url = address.url
        self.options = options
        self.dialect = address.url.get_backend_name()
        self.file = Path(address.url.database or "").name
        self.wakeups = wakeups
        self.healthy = True
        self._damaged = False
        self._readers = readers
        self._writers = writers
        self._reading = reading
        self._appending = appending
        self._listeners: list[Callable[[bool], None]] = []
        self._probe: asyncio.Task[None] | None = None
        appender = Appender(event_tables(MetaData()), self.dialect)
        self.writer = Writer(writers, appender, wakeups, self._fault, appending, self.file)
        # A lost database server is a fault even while no query runs.
        wakeups.on_fault(self._fault)

    @classmethod
    async def open(cls, url: str, options: DatabaseOptions = DatabaseOptions()) -> "Database":  # noqa: B008
        """Open `sqlite+aiosqlite:///path` or `postgresql+asyncpg://user:password@host/database`.

        Raises StoreUnavailable if it cannot be reached, and DatabaseRefused if no later attempt with this address can
        succeed. It does not create tables; `migrate` does.
        """
        address = read_address(url)
        sqlite = address.sqlite
        if sqlite:
            readers, writers = _sqlite_engine(address.url, options, READ), _sqlite_engine(address.url, options, WRITE)
        else:
            readers, writers = _postgres_engine(address, options, READ), _postgres_engine(address, options, WRITE)
        try:
            async with readers.connect():
                poll = options.poll_seconds
                wakeups = Wakeups(poll) if sqlite else await PostgresWakeups.open(address, options)
        except Exception as error:
            await readers.dispose()
            if (problem := problem_of(error)) is not None:
                raise DatabaseRefused(problem) from error
            if (told := store_error(error, address.url.database or "")) is not None:
                raise told from error
            raise
        if not sqlite:
            return cls(address, options, readers, writers, wakeups, None, None)
        reading = SqliteThreads(address.url, READ, options.connections, options.lock_seconds)
        appending = SqliteThreads(address.url, WRITE, 1, options.lock_seconds)
        return cls(address, options, readers, writers, wakeups, reading, appending)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A read-only snapshot of the database; keep it short. Raises StoreUnavailable."""
        try:
            async with self._readers.connect() as conn, conn.begin():
                yield conn
        except Exception as error:
            if (told := store_error(error, self.file)) is None:
                raise
            self._fault(error)
            raise told from error

    async def fetch(self, statement: Select[*Ts], parameters: Mapping[str, object] | None = None) -> Sequence[Row[*Ts]]:
        """The rows of one query. Raises StoreUnavailable."""
        query: tuple[Any, Mapping[str, object] | None] = statement, parameters
        (rows,) = await self.fetch_each(query)
        return rows

    async def fetch_each(self, *queries: Query) -> Sequence[Sequence[Row[Any]]]:
        """The rows of each query, all from one snapshot. Raises StoreUnavailable."""
        if self._reading is None:
            async with self.read() as conn:
                return [(await conn.execute(statement, parameters)).all() for statement, parameters in queries]
        try:
            return await self._reading.run(_each, queries)
        except Exception as error:
            if (told := store_error(error, self.file)) is None:
                raise
            self._fault(error)
            raise told from error

    def on_health(self, callback: Callable[[bool], None]) -> None:
        """Call `callback` whenever `healthy` changes, with its new value."""
        self._listeners.append(callback)

    async def close(self) -> None:
        """Commit the writes that wait, then close every connection."""
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
        if is_damaged(error) and not self._damaged:
            # Other pages may be fine, but no probe can tell that all are; the service stays unhealthy.
            self._damaged = True
            _log.error("the database is damaged; stop the server and restore a backup", file=self.url.database)
            self._set_healthy(False)
        if self._damaged:
            return
        if self._probe is None or self._probe.done():
            # The driver's message, because SQLAlchemy's contains the statement.
            cause = error.orig if isinstance(error, DBAPIError) else error
            _log.error("the store is unavailable", error=str(cause) or type(cause).__name__)
            self._set_healthy(False)
            self._probe = asyncio.create_task(self._recover(), name="store probe")

    async def _recover(self) -> None:
        while True:
            # A fault of the probe itself calls _fault too, which starts no second probe.
            with contextlib.suppress(StoreUnavailable, StoreDamaged):
                await self.writer.run(self._write_much)
                await self.writer.run(self._clean_up)
                async with self.read() as conn:
                    await conn.execute(text("SELECT 1"))
                break
            await asyncio.sleep(PROBE_INTERVAL)
        if not self._damaged:
            _log.info("the store is available again")
            self._set_healthy(True)

    async def _write_much(self, conn: AsyncConnection) -> None:
        """Write PROBE_BYTES to the disk; on PostgreSQL into a temporary table."""
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


def _sqlite_engine(url: URL, options: DatabaseOptions, begin: str) -> AsyncEngine:
    """A pool of aiosqlite connections whose transactions start with the statement `begin`."""
    engine = create_async_engine(url, **arguments(_connections(options, begin), options.lock_seconds))
    set_up(engine.sync_engine, begin)
    return engine


def _connections(options: DatabaseOptions, begin: str) -> int:
    return options.connections if begin == READ else 1


def _postgres_engine(address: Address, options: DatabaseOptions, begin: str) -> AsyncEngine:
    """A pool of connections that stop waiting for a lock, and for a server that does not answer."""
    read_only = begin == READ
    engine = create_async_engine(
        address.url,
        pool_size=_connections(options, begin),
        max_overflow=0,
        hide_parameters=True,
        isolation_level="REPEATABLE READ" if read_only else "READ COMMITTED",
        connect_args=connect_arguments(address, options, {"lock_timeout": f"{options.lock_seconds * 1000:.0f}"}),
    )
    return engine.execution_options(postgresql_readonly=True) if read_only else engine
