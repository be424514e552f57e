"""Synthesizers as processes, one after the other or side by side, on one store."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from greenroom.client import Client, connect
from tests.processes import PATIENCE, Service, service
from tests.rehearsals import feed


@dataclass(frozen=True, slots=True)
class Store:
    """The store of some synthesizers.

    url: for tests that read the store directly. environment: the settings of a process that opens it.
    """

    url: str
    environment: Mapping[str, str]


def sqlite_store(folder: Path) -> Store:
    """A store in a file."""
    return Store(f"sqlite+aiosqlite:///{folder / 'synthesizer.db'}", {"GREENROOM_DATA_DIR": str(folder)})


def postgres_store(url: str) -> Store:
    """A store in a PostgreSQL database."""
    return Store(url, {"GREENROOM_DATABASE_URL": url})


@asynccontextmanager
async def synthesizer(store: Store, **environment: str) -> AsyncIterator[tuple[Service, Client]]:
    """A synthesizer and its client. environment: settings, and the accidents of killable.py."""
    settings = {**store.environment, **environment}
    async with (
        service("tests.durable.killable", settings) as process,
        connect(process.address, timeout=PATIENCE) as client,
    ):
        yield process, client


async def kill_after(count: int, process: Service, client: Client, store: Store, batch: str) -> None:
    """Kill the process once a watcher of the batch got this many events beyond those that are stored now."""
    known = len(await feed(store.url, batch))
    async with client.batches.watch(batch) as events:
        for _ in range(known + count):
            await anext(events)
    process.kill()
