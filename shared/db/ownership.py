"""The lock of the process that runs a database's jobs: a file lock on SQLite, an advisory lock on PostgreSQL."""

import asyncio
import contextlib
import fcntl
import os
from hashlib import sha256
from pathlib import Path

import structlog

from shared.db.address import Address
from shared.db.engine import Database
from shared.db.options import DatabaseOptions
from shared.db.postgres import CONNECTION_ERRORS, Connection, connect
from shared.outage import Outage

RETRY = 0.5
"""Seconds between two attempts to take a lock that another process holds."""
HEARTBEAT = 1.0
"""Seconds between two checks that PostgreSQL still answers, and so holds the lock."""

_log = structlog.get_logger(__name__)


class Ownership:
    """The right to run a database's jobs. One process has it at a time.

        await ownership.acquire()
        ...start the jobs...
        await ownership.lost.wait()
        ...stop the jobs...
        await ownership.release()      # and only then acquire() again

    lost: set when the connection that holds the lock is gone, because another process may own the jobs then. A file
        lock is not lost while the process lives.
    """

    def __init__(self, db: Database, name: str = "jobs") -> None:
        self.lost = asyncio.Event()
        self._lock = _lock(db, name)
        self._held = False
        self._watch: asyncio.Task[None] | None = None
        self._outage = Outage(
            _log,
            "the database cannot be asked for the ownership of its jobs",
            "the database can be asked for the ownership of its jobs again",
        )

    @property
    def held(self) -> bool:
        """True while this process owns the jobs and has not noticed a loss."""
        return self._held and not self.lost.is_set()

    async def try_acquire(self) -> bool:
        """Take the ownership if it is free. After a loss, stop the jobs and call `release` first."""
        try:
            return await self._take()
        finally:
            if not self._held:
                await self._lock.free()

    async def acquire(self) -> None:
        """Wait until the ownership is free, then take it. After a loss, stop the jobs and call `release` first."""
        try:
            while not await self._take():  # noqa: ASYNC110 - the lock's holder cannot wake us
                await asyncio.sleep(RETRY)
        finally:
            if not self._held:
                await self._lock.free()

    async def release(self) -> None:
        """Give the ownership back, or acknowledge that it was lost."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._lock.free()
        self._held = False
        self.lost.clear()

    async def _take(self) -> bool:
        if self._held:
            raise RuntimeError("release the ownership before asking for it again")
        try:
            self._held = await self._lock.take()
            self._outage.over()
        except CONNECTION_ERRORS as error:
            self._outage.met(error=str(error))
            await self._lock.free()
        if self._held:
            self._watch = asyncio.create_task(self._watch_lock(), name="ownership")
        return self._held

    async def _watch_lock(self) -> None:
        try:
            await self._lock.gone()
            _log.error("the ownership of the jobs is lost")
        except Exception as error:
            # The lock is no longer watched, so it counts as lost.
            _log.error("the ownership of the jobs cannot be watched", exc_info=error)
        self.lost.set()


class _FileLock:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    async def take(self) -> bool:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    async def free(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    async def gone(self) -> None:
        await asyncio.get_running_loop().create_future()


class _SessionLock:
    """A lock that PostgreSQL holds for a session, until its connection ends."""

    def __init__(self, address: Address, options: DatabaseOptions, key: int) -> None:
        self._address = address
        self._options = options
        self._key = key
        self._conn: Connection | None = None

    async def take(self) -> bool:
        if self._conn is None or self._conn.is_closed():
            self._conn = await connect(self._address, self._options)
        return bool(await self._conn.fetchval("SELECT pg_try_advisory_lock($1)", self._key))

    async def free(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await conn.close(timeout=self._options.connect_seconds)

    async def gone(self) -> None:
        """Return when the connection is closed or does not answer."""
        if (conn := self._conn) is None:
            return
        closed = asyncio.Event()
        conn.add_termination_listener(lambda _: closed.set())
        with contextlib.suppress(*CONNECTION_ERRORS):
            while not conn.is_closed():
                await conn.fetchval("SELECT 1", timeout=self._options.connect_seconds)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(closed.wait(), HEARTBEAT)


def _lock(db: Database, name: str) -> _FileLock | _SessionLock:
    if db.dialect == "sqlite":
        path = Path(db.url.database or "")
        return _FileLock(path.with_name(f"{path.name}.{name}.lock"))
    return _SessionLock(db.address, db.options, lock_key(name))


def lock_key(name: str) -> int:
    """The key of one of our advisory locks in a PostgreSQL database, a signed 64-bit number."""
    return int.from_bytes(sha256(f"greenroom:{name}".encode()).digest()[:8], signed=True)
