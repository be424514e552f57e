"""The contract tests share one server of each kind per database; each test makes its own resources or companies."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

import pytest
import stamina

from tests.contract.catalog import Catalog, CatalogServer, serving
from tests.postgres import PostgresServer
from tests.scripted import Theatre, theatre
from tests.suite import EnricherSuite, TestdataSuite, enricher_suite, testdata_suite

T = TypeVar("T")


class Kept:
    """Servers on one kind of database, which stay until all tests are over: the tests of each file change databases."""

    def __init__(self, stack: AsyncExitStack, new_url: Callable[[], str]) -> None:
        self._stack = stack
        self._new_url = new_url
        self._opened: dict[str, Any] = {}

    async def one(self, kind: str, opened: Callable[[str], AbstractAsyncContextManager[T]]) -> T:
        """The server of this kind; `opened` starts it on a new database when it is first asked for."""
        if kind not in self._opened:
            self._opened[kind] = await self._stack.enter_async_context(opened(self._new_url()))
        server: T = self._opened[kind]
        return server


@pytest.fixture(scope="session")
async def on_sqlite() -> AsyncIterator[Kept]:
    async with AsyncExitStack() as stack:
        yield Kept(stack, lambda: "sqlite")


@pytest.fixture(scope="session")
async def on_postgresql(postgres: PostgresServer) -> AsyncIterator[Kept]:
    async with AsyncExitStack() as stack:
        yield Kept(stack, postgres.create_database)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest) -> Kept:
    """The servers on each database."""
    servers: Kept = request.getfixturevalue(f"on_{request.param}")
    return servers


@pytest.fixture(scope="session")
async def stage(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    """A theatre on each database."""
    make = tmp_path_factory.mktemp
    return await kept.one("theatre", lambda url: theatre(url, make("theatre"), max_in_flight=100, model_attempts=2))


@pytest.fixture(scope="session")
async def traces(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> TestdataSuite:
    """A test data service on each database."""
    make = tmp_path_factory.mktemp
    return await kept.one("testdata", lambda url: testdata_suite(url, make("testdata")))


@pytest.fixture(scope="session")
async def enricher(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> EnricherSuite:
    """An enricher on each database."""
    make = tmp_path_factory.mktemp
    return await kept.one("enricher", lambda url: enricher_suite(url, make("enricher"), knowledge_seconds=60))


@pytest.fixture(scope="session")
async def catalog_server(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> CatalogServer:
    """A synthesizer on each database, with authentication."""
    make = tmp_path_factory.mktemp
    return await kept.one("catalog", lambda url: serving(url, make("catalog")))


@pytest.fixture
async def catalog(catalog_server: CatalogServer) -> AsyncIterator[Catalog]:
    """The catalogue for two new companies, on each database."""
    async with catalog_server.catalog() as catalog:
        yield catalog


@pytest.fixture
def no_waiting_between_attempts() -> Iterator[None]:
    """Five attempts at most, without the pauses between them."""
    with stamina.set_testing(True, attempts=5, cap=True):
        yield
