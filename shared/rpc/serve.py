"""Runs a service as a process, until a signal stops it."""

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
        """The gRPC services that it answers."""

    async def start(self) -> None:
        """Start its jobs."""

    async def stop(self) -> None:
        """Stop its jobs and close its resources."""


def run(service: str, kind: type[S], build: Callable[[S, Health], Awaitable[App]]) -> int:
    """Serve until SIGTERM or SIGINT and return the exit status. An error in the settings prints one sentence.

    service: the name for log and output. kind: the class of its settings. build: its composition root, which reports
    the health of its gRPC services.
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
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    check_address(settings)
    health = Health()
    app = await build(settings, health)
    server = Server(settings, app.registrations, health=health)
    try:
        await app.start()
        port = await server.start()
        print(f"{service} listens on {settings.host}:{port}", flush=True)  # noqa: T201
        await stopped.wait()
    finally:
        await server.stop()
        await app.stop()
