"""SQLite: how its connections are set up, and whole transactions at once, here or in a visit to a thread.

aiosqlite hands each statement to its thread and back. While the event loop is busy each of these trips waits for the
interpreter's lock, up to its switch interval of 5 ms, and a commit makes twenty of them. So what runs often, appends
and single queries, runs on the standard library's driver in threads of its own; aiosqlite does the rest.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import URL, Connection, Engine, create_engine, event

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LOCK_TIMEOUT = 2.0
"""Seconds for which a statement waits for somebody else's lock."""
READ, WRITE = "BEGIN", "BEGIN IMMEDIATE"
"""How transactions start: a writer takes its lock at once, readers never wait for it."""


class Transactions:
    """Runs whole transactions on connections of its own."""

    def __init__(self, url: URL, begin: str, connections: int) -> None:
        self._engine = create_engine(url.set(drivername="sqlite+pysqlite"), **options(connections))
        set_up(self._engine, begin)

    def run(self, work: Callable[[Connection, *Ts], T], *arguments: *Ts) -> T:
        """What work returns, once its transaction is committed; raises what work or the commit raises.

        After an error its connection is not used again.
        """
        with self._engine.connect() as conn:
            try:
                with conn.begin():
                    return work(conn, *arguments)
            except Exception:
                conn.invalidate()
                raise

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()


class SqliteThreads:
    """Runs whole transactions on as many connections of their own as there are threads."""

    def __init__(self, url: URL, begin: str, connections: int) -> None:
        self._transactions = Transactions(url, begin, connections)
        self._executor = ThreadPoolExecutor(connections, thread_name_prefix="sqlite")

    async def run(self, work: Callable[[Connection, *Ts], T], *arguments: *Ts) -> T:
        """As Transactions.run, in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._transactions.run, work, *arguments)

    async def close(self) -> None:
        """Finish what runs, then let go of the connections."""
        await asyncio.to_thread(self._executor.shutdown)
        self._transactions.close()


def options(connections: int) -> dict[str, Any]:
    """What an engine of so many connections is made with."""
    return {
        "pool_size": connections,
        "max_overflow": 0,
        "hide_parameters": True,
        "connect_args": {"timeout": LOCK_TIMEOUT, "isolation_level": None, "check_same_thread": False},
    }


def set_up(engine: Engine, begin: str) -> None:
    """Make the engine's connections durable, and its transactions start with begin."""
    pragmas = ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"]
    if begin == READ:
        pragmas.append("PRAGMA query_only = ON")

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    # The driver would begin by its own rules, late and deferred; isolation_level None leaves it to this.
    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)
