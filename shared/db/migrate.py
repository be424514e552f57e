"""Migrations: alembic, run by the program itself before it opens its database.

A service's `migrations/env.py` is two lines:

    from shared.db.migrate import run_migrations
    run_migrations(metadata)
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import stamina
from alembic import command, context
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, event, make_url, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.db.faults import StoreUnavailable, is_damaged, is_unavailable
from shared.db.ownership import lock_key
from shared.errors import FailedPrecondition


class StoreDamaged(FailedPrecondition):
    """{file} is no SQLite database, or a damaged one; put a backup in its place, or move it away to begin with an empty one."""  # noqa: E501

    reason = "STORE_DAMAGED"


class StoreForeign(FailedPrecondition):
    """The database {database} holds the tables of another service, or of a newer release; give each service its own."""

    reason = "STORE_FOREIGN"


PATIENCE = 60.0
"""Seconds for which a process waits while another one migrates the same SQLite file."""


async def migrate(url: str, script_location: str | Path) -> None:
    """Bring a database to the newest revision, all of it or nothing; harmless if it is there already.

    Of several processes that start at once one migrates and the others wait. Raises StoreUnavailable, StoreDamaged, and
    StoreForeign for one that another's revisions are noted in.
    """
    sqlite = make_url(url).get_backend_name() == "sqlite"
    arguments = {"timeout": PATIENCE, "isolation_level": None} if sqlite else {}
    engine = create_async_engine(url, poolclass=pool.NullPool, connect_args=arguments)
    if sqlite:

        @event.listens_for(engine.sync_engine, "begin")
        def start(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    config = Config()
    config.set_main_option("script_location", str(script_location).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        if sqlite:
            await asyncio.to_thread(_write_ahead, make_url(url).database or "")
        async with engine.begin() as conn:
            if not sqlite:
                await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key("migrations")})
            await conn.run_sync(_upgrade, config)
    except CommandError as error:
        raise StoreForeign(database=make_url(url).database) from error
    except Exception as error:
        if is_damaged(error):
            raise StoreDamaged(file=make_url(url).database) from error
        if is_unavailable(error):
            raise StoreUnavailable from error
        raise
    finally:
        await engine.dispose()


def _locked(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


@stamina.retry(on=_locked, attempts=None, timeout=PATIENCE)
def _write_ahead(path: str) -> None:
    """Give the file its write-ahead log, for good; of several processes that do so at once SQLite refuses some."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _upgrade(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_migrations(metadata: MetaData) -> None:
    """Run the revisions that alembic asks for, on the connection of `migrate`; the whole of a service's env.py."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        # SQLite cannot alter most of a table in place; this copies it.
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()
