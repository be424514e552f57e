"""The migrations of each service create the tables that its store uses, on both databases."""

from importlib import import_module
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from shared.db.migrate import StoreForeign, migrate
from shared.roster import SERVICES, Service

EACH_SERVICE = pytest.mark.parametrize("peer", SERVICES, ids=lambda peer: peer.name)


WORDS = "passage_words"
"""The enricher's index of words, and on SQLite its shadow tables: no metadata can declare them for both databases."""


def metadata_of(peer: Service) -> MetaData:
    found: MetaData = import_module(f"{peer.module}.store").metadata
    return found


def declared(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or name is None or not name.startswith(WORDS)


async def differences(url: str, metadata: MetaData) -> list[Any]:
    def compared(connection: Connection) -> list[Any]:
        found: list[Any] = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True, "include_name": declared}), metadata
        )
        return found

    engine = create_async_engine(url)
    async with engine.connect() as conn:
        found = await conn.run_sync(compared)
    await engine.dispose()
    return found


@EACH_SERVICE
async def test_the_migrations_create_exactly_the_tables_of_the_store_once(database_url: str, peer: Service) -> None:
    await migrate(database_url, peer.app.MIGRATIONS)
    assert await differences(database_url, metadata_of(peer)) == []

    await migrate(database_url, peer.app.MIGRATIONS)
    assert await differences(database_url, metadata_of(peer)) == []


async def test_two_services_share_no_database(database_url: str) -> None:
    first, second, *_ = SERVICES
    await migrate(database_url, first.app.MIGRATIONS)

    with pytest.raises(StoreForeign):
        await migrate(database_url, second.app.MIGRATIONS)
    assert await differences(database_url, metadata_of(first)) == []
