"""What the tests of lost processes, stores and connections share."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rehearsals import Row, batch_spec, import_rehearsal, over, rows
from tests.suite import suite


@dataclass(frozen=True, slots=True)
class Store:
    """Where synthesizers keep what they know.

    url: for reading it behind their backs. environment: the settings with which a process opens it.
    """

    url: str
    environment: Mapping[str, str]


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Store:
    """A new store, once on SQLite and once on PostgreSQL."""
    if database_url.startswith("sqlite"):
        return sqlite_store(tmp_path)
    return postgres_store(database_url, tmp_path)


def sqlite_store(folder: Path) -> Store:
    """A store in a file."""
    return Store(f"sqlite+aiosqlite:///{folder / 'synthesizer.db'}", {"GREENROOM_DATA_DIR": str(folder)})


def postgres_store(url: str, folder: Path) -> Store:
    """A store in a PostgreSQL database."""
    return Store(url, {"GREENROOM_DATABASE_URL": url, "GREENROOM_DATA_DIR": str(folder)})


@pytest.fixture(scope="session")
async def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Row]:
    """What the batch comes to when nothing happens to it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    async with suite("sqlite", folder) as greenroom:
        client = greenroom.client
        await import_rehearsal(client, folder)
        batch = await client.batches.start(batch_spec())
        done = await over(client, batch.name)
        assert done.counts.completed == done.spec.size
        return await rows(client, batch.name)
