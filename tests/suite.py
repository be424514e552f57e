"""The suite in this process: a synthesizer on a real server, and a client that is connected to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from greenroom.client import Client, connect
from services.synthesizer.app import Synthesizer, build
from services.synthesizer.settings import SynthesizerSettings
from shared.llm.base import ChatModel
from shared.llm.registry import open_model
from shared.rpc.health import Health
from shared.rpc.server import Server

EXAMPLES = Path(__file__).parent.parent / "examples" / "returns"


@dataclass
class Suite:
    """A running synthesizer."""

    address: str
    client: Client
    app: Synthesizer


@asynccontextmanager
async def suite(
    url: str, folder: Path, *, models: Callable[[str], ChatModel] = open_model, **settings: Any
) -> AsyncIterator[Suite]:
    """A synthesizer with its store at url, served on a free port.

    models: what opens a model by name. settings: fields of SynthesizerSettings.
    """
    chosen: dict[str, Any] = {"port": 0, "data_dir": folder, "drain_seconds": 1.0, **settings}
    if not url.startswith("sqlite"):
        chosen["database_url"] = SecretStr(url)
    health = Health()
    read = SynthesizerSettings(**chosen)
    app = await build(read, health, models=models)
    server = Server(read, app.registrations, health=health)
    await app.start()
    port = await server.start()
    address = f"127.0.0.1:{port}"
    try:
        async with connect(address) as client:
            yield Suite(address, client, app)
    finally:
        await server.stop()
        await app.stop()
