"""What the migrations of each service create is what its store reads and writes, on both databases."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from services.synthesizer import app as synthesizer
from services.synthesizer.store import tables as synthesizer_tables
from services.testdata import app as testdata
from services.testdata.store import tables as testdata_tables
from shared.db.migrate import StoreForeign, migrate

SERVICES = pytest.mark.parametrize(
    ("migrations", "metadata"),
    [
        pytest.param(synthesizer.MIGRATIONS, synthesizer_tables.metadata, id="synthesizer"),
        pytest.param(testdata.MIGRATIONS, testdata_tables.metadata, id="testdata"),
    ],
)


async def differences(url: str, metadata: MetaData) -> list[Any]:
    def compared(connection: Connection) -> list[Any]:
        found: list[Any] = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), metadata
        )
        return found

    engine = create_async_engine(url)
    async with engine.connect() as conn:
        found = await conn.run_sync(compared)
    await engine.dispose()
    return found


@SERVICES
async def test_the_migrations_create_exactly_the_tables_of_the_store(
    database_url: str, migrations: Path, metadata: MetaData
) -> None:
    await migrate(database_url, migrations)

    assert await differences(database_url, metadata) == []


@SERVICES
async def test_migrating_again_changes_nothing(database_url: str, migrations: Path, metadata: MetaData) -> None:
    await migrate(database_url, migrations)
    await migrate(database_url, migrations)

    assert await differences(database_url, metadata) == []


async def test_two_services_share_no_database(database_url: str) -> None:
    await migrate(database_url, synthesizer.MIGRATIONS)

    with pytest.raises(StoreForeign):
        await migrate(database_url, testdata.MIGRATIONS)
    assert await differences(database_url, synthesizer_tables.metadata) == []
