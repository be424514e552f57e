"""Synthesizers as processes, one after the other or side by side, on one store."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from greenroom.client import Client, connect
from tests.processes import Service, service


@dataclass(frozen=True, slots=True)
class Store:
    """Where synthesizers keep what they know.

    url: for reading it behind their backs. environment: the settings with which a process opens it.
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
    """A synthesizer and a client that is connected to it; environment: settings, and the accidents of killable.py."""
    settings = {**store.environment, **environment}
    async with service("tests.durable.killable", settings) as process, connect(process.address) as client:
        yield process, client
