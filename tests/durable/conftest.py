"""Fixtures for the tests of lost processes, stores and connections."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.durable.synthesizers import Store, postgres_store, sqlite_store
from tests.rehearsals import Row, batch_spec, import_rehearsal, over, rows
from tests.suite import suite


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Store:
    """A new store, once on SQLite and once on PostgreSQL."""
    return sqlite_store(tmp_path) if database_url.startswith("sqlite") else postgres_store(database_url)


@pytest.fixture(scope="session")
async def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Row]:
    """The batch's rows without any accident."""
    folder = tmp_path_factory.mktemp("undisturbed")
    async with suite("sqlite", folder) as greenroom:
        client = greenroom.client
        await import_rehearsal(client, folder)
        batch = await client.batches.start(batch_spec())
        done = await over(client, batch.name)
        assert done.counts.completed == done.spec.size
        return await rows(client, batch.name)
