"""All services in one process, on one port and one data folder.

Where they call each other, they use a second server, on a free port of loopback. It takes their credentials, signed
with a key that lives as long as the process; the outer server refuses them.
"""

import fcntl
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from cli.kit.run import Failed
from shared.roster import GATEWAY, PEERS
from shared.rpc.health import Health
from shared.rpc.peers import Peers
from shared.rpc.serve import App
from shared.rpc.server import Server, check_address
from shared.settings import Settings

if TYPE_CHECKING:
    from services.gateway.settings import GatewaySettings


@asynccontextmanager
async def running(settings: "GatewaySettings") -> AsyncIterator[int]:
    """Serve all services and yield the port; at the end of the block drain the calls and stop the jobs.

    Raises Failed if another process uses the data folder or two services share a database, and what check_address
    raises.
    """
    own = {"data_dir": settings.data_dir}
    read = {GATEWAY: settings, **{peer: peer.settings.read().model_copy(update=own) for peer in PEERS}}
    databases: set[str] = set()
    for service, one in read.items():
        if one.store_at(service.name) in databases:
            setting = f"GREENROOM_{service.name.upper()}_DATABASE_URL"
            raise Failed(f"Each service needs its own database; set {setting} to another one.")
        databases.add(one.store_at(service.name))
    settings.make_data_dir()
    with _locked(settings.data_dir):
        check_address(settings)
        health, apps, addresses = Health(), list[App](), dict[str, str]()
        within = _within(settings)
        peers = Peers(within, addresses)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(peers.close)
            for service, one in read.items():
                built = service.app.build_own if service is GATEWAY else service.build
                apps.append(await built(one, health, peers))
                stack.push_async_callback(apps[-1].stop)
            registrations = [one for app in apps for one in app.registrations]
            inner, outer = Server(within, registrations), Server(settings, registrations, health=health)
            port = await inner.start()
            stack.push_async_callback(inner.stop)
            addresses.update({peer.name: f"127.0.0.1:{port}" for peer in PEERS})
            stack.push_async_callback(outer.stop)
            for app in apps:
                await app.start()
            yield await outer.start()


def _within(settings: Settings) -> Settings:
    """The settings of the inner server."""
    key = settings.house_key or SecretStr(secrets.token_hex(32))
    own = {"data_dir": settings.data_dir, "house_key": key, "tls_ca": None, "tls_cert": None, "tls_key": None}
    return Settings.read().model_copy(update={**own, "host": "127.0.0.1", "port": 0, "drain_seconds": 0.0})


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
