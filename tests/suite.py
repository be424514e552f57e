"""The suite in this process: services on a real server, and a client that is connected to it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from greenroom.client import Client, connect
from services.synthesizer import app as synthesizer
from services.synthesizer.settings import SynthesizerSettings
from services.testdata import app as testdata
from services.testdata.settings import TestdataSettings
from shared.llm.base import ChatModel
from shared.llm.registry import open_model
from shared.rpc.health import Health
from shared.rpc.serve import App
from shared.rpc.server import Server
from shared.settings import Settings

EXAMPLES = Path(__file__).parent.parent / "examples" / "returns"


@dataclass
class Suite:
    """A running synthesizer, and test data beside it if that was asked for."""

    address: str
    client: Client
    app: synthesizer.Synthesizer


@dataclass
class TestdataSuite:
    """A running test data service."""

    address: str
    client: Client
    app: testdata.Testdata


@asynccontextmanager
async def suite(
    url: str,
    folder: Path,
    *,
    models: Callable[[str], ChatModel] = open_model,
    testdata_url: str | None = None,
    **settings: Any,
) -> AsyncIterator[Suite]:
    """A synthesizer with its store at url, served on a free port.

    models: what opens a model by name. testdata_url: the store of a test data service on the same server. settings:
    fields of SynthesizerSettings; of the other's, those that are of all services. The store's writer is a thread unless
    settings ask for the process, which takes longer to start than many a test.
    """
    health = Health()
    read = SynthesizerSettings(**{"writer_process": False, **_chosen(url, folder, settings)})
    app = await synthesizer.build(read, health, models=models)
    apps: list[App] = [app]
    if testdata_url is not None:
        of_all = {name: value for name, value in settings.items() if name in Settings.model_fields}
        chosen = TestdataSettings(**_chosen(testdata_url, folder, of_all))
        apps.append(await testdata.build(chosen, health))
    async with _served(read, apps, health) as address, connect(address) as client:
        yield Suite(address, client, app)


@asynccontextmanager
async def testdata_suite(url: str, folder: Path, **settings: Any) -> AsyncIterator[TestdataSuite]:
    """A test data service with its store at url, served on a free port. settings: fields of TestdataSettings."""
    health = Health()
    read = TestdataSettings(**_chosen(url, folder, settings))
    app = await testdata.build(read, health)
    async with _served(read, [app], health) as address, connect(address) as client:
        yield TestdataSuite(address, client, app)


def _chosen(url: str, folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    database = {} if url.startswith("sqlite") else {"database_url": SecretStr(url)}
    return {"port": 0, "data_dir": folder, "drain_seconds": 1.0, **database, **settings}


@asynccontextmanager
async def _served(settings: Settings, apps: Sequence[App], health: Health) -> AsyncIterator[str]:
    """The address at which apps are served until the block ends."""
    server = Server(settings, [one for app in apps for one in app.registrations], health=health)
    for app in apps:
        await app.start()
    port = await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop()
        for app in apps:
            await app.stop()
