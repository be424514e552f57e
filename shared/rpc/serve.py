"""A service as a process: build it, serve it, stop it when told to."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from shared import loop, telemetry
from shared.errors import GreenroomError
from shared.rpc.health import Health
from shared.rpc.server import Registration, Server, check_address
from shared.settings import Settings

S = TypeVar("S", bound=Settings)


class App(Protocol):
    """A built service."""

    @property
    def registrations(self) -> Sequence[Registration]:
        """What it answers."""

    async def start(self) -> None:
        """Take up its work."""

    async def stop(self) -> None:
        """Finish or hand back its work, and let go of what it holds."""


def run(service: str, kind: type[S], build: Callable[[S, Health], Awaitable[App]]) -> int:
    """Serve until SIGTERM or SIGINT and return the exit status; an error in the settings is one sentence.

    service: its name for people. kind: its settings, read from the environment. build: its composition root, which
    also says on health what the service can do.
    """
    try:
        settings = kind.read()
        telemetry.configure(settings, service)
        loop.run(_serve(service, settings, build))
    except GreenroomError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


async def _serve(service: str, settings: S, build: Callable[[S, Health], Awaitable[App]]) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    check_address(settings)
    health = Health()
    app = await build(settings, health)
    server = Server(settings, app.registrations, health=health)
    try:
        await app.start()
        port = await server.start()
        print(f"{service} listens on {settings.host}:{port}", flush=True)  # noqa: T201
        await told.wait()
    finally:
        await server.stop()
        await app.stop()
