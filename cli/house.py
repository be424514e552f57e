"""Everything in one process, on one port and one data folder."""

import fcntl
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from cli.commands import Failed
from services.gateway.settings import GatewaySettings
from services.synthesizer import app as synthesizer
from services.synthesizer.settings import SynthesizerSettings
from services.testdata import app as testdata
from services.testdata.settings import TestdataSettings
from shared.rpc.health import Health
from shared.rpc.serve import App
from shared.rpc.server import Server, check_address


@asynccontextmanager
async def running(settings: GatewaySettings) -> AsyncIterator[int]:
    """Serve everything by settings; gives the port. At the block's end calls are drained and jobs handed back.

    Raises Failed if another process holds the data folder or if services were to share a database, and what
    check_address does.
    """
    folder = {"data_dir": settings.data_dir}
    of_traces = TestdataSettings.read().model_copy(update=folder)
    of_rehearsals = SynthesizerSettings.read().model_copy(update=folder)
    if of_traces.store_url == of_rehearsals.store_url:
        raise Failed("Each service has a database of its own; set GREENROOM_TESTDATA_DATABASE_URL to another one.")
    settings.make_data_dir()
    with _held(settings.data_dir):
        check_address(settings)
        health = Health()
        async with AsyncExitStack() as stack:

            async def built(building: Awaitable[App]) -> App:
                part = await building
                stack.push_async_callback(part.stop)
                return part

            parts = [
                await built(testdata.build(of_traces, health)),
                await built(synthesizer.build(of_rehearsals, health)),
            ]
            server = Server(settings, [one for part in parts for one in part.registrations], health=health)
            stack.push_async_callback(server.stop)
            for part in parts:
                await part.start()
            yield await server.start()


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
