"""Services on a real server in this process, with a connected client."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from greenroom.client import Client, connect
from services.enricher import app as enricher
from services.enricher.settings import EnricherSettings
from services.gateway import app as gateway
from services.gateway.settings import GatewaySettings
from services.synthesizer import app as synthesizer
from services.synthesizer.settings import SynthesizerSettings
from services.testdata import app as testdata
from services.testdata.settings import TestdataSettings
from shared.llm.base import ChatModel
from shared.llm.providers import Provider
from shared.roster import PEERS, SERVICES
from shared.rpc.health import Health
from shared.rpc.peers import Peers
from shared.rpc.serve import App
from shared.rpc.server import Server
from shared.settings import EnvironmentSettings, Settings
from tests.processes import PATIENCE

S = TypeVar("S", bound=Settings)
HOUSE_KEY = "a key of the house of the tests, which is long enough"
EXAMPLES = Path(__file__).parent.parent / "examples" / "returns"


@dataclass
class Suite:
    """A running synthesizer, with other services on the same server if requested."""

    address: str
    client: Client
    app: synthesizer.Synthesizer


@dataclass
class TestdataSuite:
    """A running test data service."""

    address: str
    client: Client
    app: testdata.Testdata


@dataclass
class EnricherSuite:
    """A running enricher. folder: for the files of tests."""

    address: str
    client: Client
    folder: Path


def provider_of(model: ChatModel) -> Provider[EnvironmentSettings, ChatModel]:
    """A provider whose only model is this one."""

    @asynccontextmanager
    async def opened(_: EnvironmentSettings) -> AsyncIterator[ChatModel]:
        yield model

    return Provider(settings=EnvironmentSettings, open=opened, has_models=False)


def new_stores(request: pytest.FixtureRequest) -> dict[str, str]:
    """A store for each service, on the database that the fixture's parameter names."""
    return {one.name: new_store(request) for one in SERVICES}


def new_store(request: pytest.FixtureRequest) -> str:
    """A store on the database that the fixture's parameter names."""
    return "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()


@asynccontextmanager
async def suite(
    url: str,
    folder: Path,
    *,
    model: ChatModel | None = None,
    others: Mapping[str, str] = MappingProxyType({}),
    **settings: Any,
) -> AsyncIterator[Suite]:
    """A synthesizer with its store at url, served on a free port.

    model: replaces the offline model. others: the stores of other services on the same server, by service.
    settings: fields of SynthesizerSettings; the other services get those that all services share.
    """
    health, addresses = Health(), dict[str, str]()
    read = SynthesizerSettings(**_chosen(url, folder, {"house_key": SecretStr(HOUSE_KEY), **settings}))
    providers = (
        synthesizer.ALL_PROVIDERS if model is None else {"offline": provider_of(model), "another": provider_of(model)}
    )
    app = await synthesizer.build(read, health, peers=Peers(read, addresses), providers=providers)
    of_all = {name: value for name, value in settings.items() if name in Settings.model_fields}
    apps: list[App] = [app]
    apps += [
        await peer.build(_small(peer.settings, others[peer.name], folder, of_all), health, Peers(read, addresses))
        for peer in PEERS
        if peer.name in others
    ]
    if "gateway" in others:
        own = _small(GatewaySettings, others["gateway"], folder, of_all)
        apps.append(await gateway.build_own(own, health, Peers(read, addresses)))
    async with _served(read, apps, health, addresses) as address, connect(address, timeout=PATIENCE) as client:
        yield Suite(address, client, app)


@asynccontextmanager
async def testdata_suite(url: str, folder: Path, **settings: Any) -> AsyncIterator[TestdataSuite]:
    """A test data service with its store at url, served on a free port. settings: fields of TestdataSettings."""
    health = Health()
    read = _small(TestdataSettings, url, folder, settings)
    app = await testdata.build(read, health)
    async with _served(read, [app], health) as address, connect(address, timeout=PATIENCE) as client:
        yield TestdataSuite(address, client, app)


@asynccontextmanager
async def enricher_suite(url: str, folder: Path, **settings: Any) -> AsyncIterator[EnricherSuite]:
    """An enricher with its store at url, served on a free port. settings: fields of EnricherSettings."""
    health = Health()
    read = _small(EnricherSettings, url, folder, settings)
    app = await enricher.build(read, health)
    async with _served(read, [app], health) as address, connect(address, timeout=PATIENCE) as client:
        yield EnricherSuite(address, client, folder)


def _small(kind: type[S], url: str, folder: Path, settings: dict[str, Any]) -> S:
    # Every process of a pool costs a second when it starts, and few tests need two.
    few: dict[str, Any] = {name: 1 for name in ("compute_workers", "trace_jobs") if name in kind.model_fields}
    return kind(**few | _chosen(url, folder, settings))


def _chosen(url: str, folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    database = {} if url.startswith("sqlite") else {"database_url": SecretStr(url)}
    return {"port": 0, "data_dir": folder, "drain_seconds": 1.0, **database, **settings}


@asynccontextmanager
async def _served(
    settings: Settings, apps: Sequence[App], health: Health, addresses: dict[str, str] | None = None
) -> AsyncIterator[str]:
    """Serve apps until the end of the block; yields the address. addresses: gets it for every service."""
    server = Server(settings, [one for app in apps for one in app.registrations], health=health)
    address = f"127.0.0.1:{await server.start()}"
    if addresses is not None:
        addresses.update({peer.name: address for peer in PEERS})
    for app in apps:
        await app.start()
    try:
        yield address
    finally:
        await server.stop()
        for app in apps:
            await app.stop()
