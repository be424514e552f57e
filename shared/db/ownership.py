"""Which process owns a database's jobs: a file lock beside SQLite, a session's advisory lock on PostgreSQL."""

import asyncio
import contextlib
import fcntl
import os
from hashlib import sha256
from pathlib import Path

import structlog
from sqlalchemy import URL

from shared.db.engine import Database
from shared.db.postgres import CONNECTION_ERRORS, Connection, connect
from shared.outage import Outage

RETRY = 0.5
"""Seconds between two attempts at a lock that another process holds."""
HEARTBEAT = 1.0
HEARTBEAT_TIMEOUT = 5.0

_log = structlog.get_logger(__name__)


class Ownership:
    """The right to run a database's jobs; one process has it at a time.

        await ownership.acquire()
        ...start the jobs...
        await ownership.lost.wait()
        ...stop the jobs...
        await ownership.release()      # and only then acquire() again

    lost: set when the lock's connection is gone, so that another process may own the jobs by now. A file lock is not
        lost while the process lives.
    """

    def __init__(self, db: Database, name: str = "jobs") -> None:
        self.lost = asyncio.Event()
        self._lock = _lock(db.url, name)
        self._held = False
        self._watch: asyncio.Task[None] | None = None
        self._outage = Outage(
            _log,
            "the database cannot be asked for the ownership of its jobs",
            "the database can be asked for the ownership of its jobs again",
        )

    @property
    def held(self) -> bool:
        """Whether this process owns the jobs, as far as it knows."""
        return self._held and not self.lost.is_set()

    async def try_acquire(self) -> bool:
        """Take the ownership if it is free; who lost it stops its jobs and calls release before it asks again."""
        try:
            return await self._take()
        finally:
            if not self._held:
                await self._lock.free()

    async def acquire(self) -> None:
        """Wait until the ownership is free and take it; see try_acquire."""
        try:
            while not await self._take():  # noqa: ASYNC110 - another process cannot wake us
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
            # Whatever happened, nobody watches the lock any more, so nobody may count on it.
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
    """The server holds it for the session, so it ends with the connection, however that ends."""

    def __init__(self, url: URL, key: int) -> None:
        self._url = url
        self._key = key
        self._conn: Connection | None = None

    async def take(self) -> bool:
        if self._conn is None or self._conn.is_closed():
            self._conn = await connect(self._url)
        return bool(await self._conn.fetchval("SELECT pg_try_advisory_lock($1)", self._key))

    async def free(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await conn.close(timeout=HEARTBEAT_TIMEOUT)

    async def gone(self) -> None:
        """Return when the connection is closed or does not answer."""
        if (conn := self._conn) is None:
            return
        closed = asyncio.Event()
        conn.add_termination_listener(lambda _: closed.set())
        with contextlib.suppress(*CONNECTION_ERRORS):
            while not conn.is_closed():
                await conn.fetchval("SELECT 1", timeout=HEARTBEAT_TIMEOUT)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(closed.wait(), HEARTBEAT)


def _lock(url: URL, name: str) -> _FileLock | _SessionLock:
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        return _FileLock(path.with_name(f"{path.name}.{name}.lock"))
    # PostgreSQL names advisory locks by a signed 64-bit number, one space a database.
    return _SessionLock(url, lock_key(name))


def lock_key(name: str) -> int:
    """The number by which PostgreSQL knows an advisory lock of ours."""
    return int.from_bytes(sha256(f"greenroom:{name}".encode()).digest()[:8], signed=True)
