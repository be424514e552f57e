"""Fixtures: an open database with an event log in it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.engine import Database
from shared.db.eventlog import EventLog, event_tables
from shared.db.ledger import ledger_table
from shared.db.options import DatabaseOptions
from shared.db.tables import new_metadata

METADATA = new_metadata()
TABLES = event_tables(METADATA)
REQUESTS = ledger_table(METADATA)


async def open_database(url: str, options: DatabaseOptions = DatabaseOptions()) -> Database:  # noqa: B008
    """Open a database and create its tables."""
    db = await Database.open(url, options)

    async def create(conn: AsyncConnection) -> None:
        await conn.run_sync(METADATA.create_all)

    await db.writer.run(create)
    return db


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    db = await open_database(database_url)
    yield db
    await db.close()


@pytest.fixture
async def replica(database: Database) -> AsyncIterator[Database]:
    """The same database, opened a second time as another process would."""
    db = await Database.open(database.url.render_as_string(hide_password=False))
    yield db
    await db.close()


@pytest.fixture
def log(database: Database) -> EventLog:
    return EventLog(database, TABLES)
