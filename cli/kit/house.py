"""All services in one process, on one port and one data folder."""

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from cli.kit.run import Failed
from shared.roster import PEERS
from shared.rpc.health import Health
from shared.rpc.serve import App
from shared.rpc.server import Server, check_address
from shared.settings import Settings


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[int]:
    """Serve all services and yield the port; at the end of the block drain the calls and stop the jobs.

    Raises Failed if another process uses the data folder or two services share a database, and what check_address
    raises.
    """
    read = {peer: peer.settings.read().model_copy(update={"data_dir": settings.data_dir}) for peer in PEERS}
    databases: set[str] = set()
    for peer, own in read.items():
        if own.store_at(peer.name) in databases:
            setting = f"GREENROOM_{peer.name.upper()}_DATABASE_URL"
            raise Failed(f"Each service needs its own database; set {setting} to another one.")
        databases.add(own.store_at(peer.name))
    settings.make_data_dir()
    with _locked(settings.data_dir):
        check_address(settings)
        health, apps = Health(), list[App]()
        async with AsyncExitStack() as stack:
            for peer, own in read.items():
                apps.append(await peer.app.build(own, health))
                stack.push_async_callback(apps[-1].stop)
            server = Server(settings, [one for app in apps for one in app.registrations], health=health)
            stack.push_async_callback(server.stop)
            for app in apps:
                await app.start()
            yield await server.start()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "up.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(
                f"Another Greenroom uses the folder {folder}; use that one, or choose another with --data-dir."
            ) from None
        yield
