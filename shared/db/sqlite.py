"""SQLite: how connections are set up, and threads that run whole transactions.

aiosqlite passes each statement to its thread and back. While the event loop is busy, each of these trips waits for the
interpreter lock, up to its switch interval of 5 ms, and a commit makes twenty of them. So appends and single queries,
which run often, run on the standard library's driver in our own threads. aiosqlite runs the rest.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import URL, Connection, Engine, create_engine, event

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

READ, WRITE = "BEGIN", "BEGIN IMMEDIATE"
"""The first statement of a transaction. A writer takes the lock at once; readers never wait for it."""


class SqliteThreads:
    """Runs whole transactions in threads, each thread with a connection of its own."""

    def __init__(self, url: URL, begin: str, connections: int, lock_seconds: float) -> None:
        self._engine = create_engine(url.set(drivername="sqlite+pysqlite"), **arguments(connections, lock_seconds))
        set_up(self._engine, begin)
        self._executor = ThreadPoolExecutor(connections, thread_name_prefix="sqlite")
        self._of_thread: dict[int, Connection] = {}

    async def run(self, work: Callable[[Connection, *Ts], T], *arguments: *Ts) -> T:
        """The result of work, after its transaction is committed; raises what work or the commit raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._transact, work, *arguments)

    async def close(self) -> None:
        """Finish the transactions under way, then close the connections."""
        await asyncio.to_thread(self._executor.shutdown)
        for conn in self._of_thread.values():
            conn.close()
        self._engine.dispose()

    def _transact(self, work: Callable[[Connection, *Ts], T], *arguments: *Ts) -> T:
        # Each thread keeps its connection, because taking one from the pool takes longer than a short query.
        thread = threading.get_ident()
        if (conn := self._of_thread.get(thread)) is None:
            conn = self._of_thread[thread] = self._engine.connect()
        try:
            with conn.begin():
                return work(conn, *arguments)
        except Exception:
            # The transaction may still be open; the next one gets a new connection.
            del self._of_thread[thread]
            conn.invalidate()
            conn.close()
            raise


def arguments(connections: int, lock_seconds: float) -> dict[str, Any]:
    """The arguments of an engine with up to `connections` connections."""
    return {
        "pool_size": connections,
        "max_overflow": 0,
        "hide_parameters": True,
        "connect_args": {"timeout": lock_seconds, "isolation_level": None, "check_same_thread": False},
    }


def set_up(engine: Engine, begin: str) -> None:
    """Make the engine's connections durable, and start its transactions with the statement `begin`."""
    pragmas = ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"]
    if begin == READ:
        pragmas.append("PRAGMA query_only = ON")

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    # By default the driver begins a transaction late and deferred. isolation_level=None turns that off.
    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)
