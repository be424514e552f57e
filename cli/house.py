"""Everything in one process, on one port and one data folder."""

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from cli.commands import Failed
from services.gateway.settings import GatewaySettings
from services.synthesizer.app import build
from services.synthesizer.settings import SynthesizerSettings
from shared.rpc.health import Health
from shared.rpc.server import Server


@asynccontextmanager
async def running(settings: GatewaySettings) -> AsyncIterator[int]:
    """Serve everything by settings; gives the port. At the block's end calls are drained and jobs handed back.

    Raises Failed if another process holds the data folder.
    """
    settings.make_data_dir()
    with _held(settings.data_dir):
        health = Health()
        own = SynthesizerSettings.read().model_copy(update={"data_dir": settings.data_dir})
        synthesizer = await build(own, health)
        server = Server(settings, synthesizer.registrations, health=health)
        try:
            await synthesizer.start()
            yield await server.start()
        finally:
            await server.stop()
            await synthesizer.stop()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    with (folder / "up.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(
                f"Another Greenroom runs on the folder {folder}; use that one, or choose another with --data-dir."
            ) from None
        yield
