"""Migrations with alembic, which a service runs before it opens its database.

A service's `migrations/env.py` is two lines:

    from shared.db.migrate import run_migrations
    run_migrations(metadata)
"""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import stamina
import structlog
from alembic import command, context
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, event, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.db.address import DatabaseRefused, problem_of, read_address
from shared.db.faults import StoreDamaged, StoreUnavailable, is_damaged, is_unavailable
from shared.db.ownership import lock_key
from shared.errors import FailedPrecondition


class StoreForeign(FailedPrecondition):
    """The database {database} has the tables of another service or of a newer release; give each service its own."""

    reason = "STORE_FOREIGN"


_log = structlog.get_logger(__name__)

LOCK_SECONDS = 60.0
"""Seconds to wait while another process migrates the same SQLite file."""

CONNECT_SECONDS = 30.0
"""Seconds that PostgreSQL may take to accept the connection of a migration."""


async def migrate(url: str, script_location: str | Path) -> None:
    """Migrate a database to the newest revision in one transaction, if it is older.

    If several processes start at once, one migrates and the others wait. Raises StoreUnavailable, StoreDamaged,
    StoreForeign, DatabaseRefused.
    """
    address = read_address(url)
    sqlite, database = address.sqlite, address.url.database or ""
    arguments: dict[str, Any] = (
        {"timeout": LOCK_SECONDS, "isolation_level": None}
        if sqlite
        else {"timeout": CONNECT_SECONDS, "server_settings": dict(address.session), **address.arguments}
    )
    engine = create_async_engine(address.url, poolclass=pool.NullPool, connect_args=arguments)
    if sqlite:

        @event.listens_for(engine.sync_engine, "begin")
        def start(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    config = Config()
    config.set_main_option("script_location", str(script_location).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        if sqlite:
            await asyncio.to_thread(_write_ahead, database)
        async with engine.begin() as conn:
            if not sqlite:
                await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key("migrations")})
            await conn.run_sync(_upgrade, config)
    except CommandError as error:
        raise StoreForeign(database=database) from error
    except Exception as error:
        if (problem := problem_of(error)) is not None:
            raise DatabaseRefused(problem) from error
        if is_damaged(error):
            raise StoreDamaged(file=database) from error
        if is_unavailable(error):
            raise StoreUnavailable from error
        raise
    finally:
        await engine.dispose()


async def check_file(path: str, seconds: float) -> None:
    """Raise StoreDamaged if SQLite finds damage in a file within so many seconds; 0 does not look for any."""
    if seconds:
        await asyncio.to_thread(_check_file, path, seconds)


def _check_file(path: str, seconds: float) -> None:
    if not Path(path).exists():
        return
    end = time.monotonic() + seconds
    with closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
        try:
            if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
                raise StoreDamaged(file=path)
        except sqlite3.Error as error:
            if is_damaged(error):
                raise StoreDamaged(file=path) from error
            _log.info("the start looked for damage in a part of the database only", file=path, reason=str(error))


def _locked(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


@stamina.retry(on=_locked, attempts=None, timeout=LOCK_SECONDS)
def _write_ahead(path: str) -> None:
    """Turn on the file's write-ahead log. SQLite refuses this to all but one of several processes at a time."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _upgrade(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_migrations(metadata: MetaData) -> None:
    """Run the revisions on the connection of `migrate`. A service's env.py does nothing else."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        # SQLite cannot alter most of a table in place; alembic copies the table instead.
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()
