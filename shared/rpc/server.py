"""A gRPC server's life: interceptors, health, reflection, TLS, and a graceful end."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.instrumentation.grpc import aio_server_interceptor

from shared.auth import Authenticator
from shared.errors import FailedPrecondition
from shared.rpc import health as grpc_health
from shared.rpc import reflection
from shared.rpc.access import Access, declared_permissions
from shared.rpc.errors import Errors
from shared.rpc.handlers import Writes, is_exempt
from shared.rpc.health import Health
from shared.rpc.streams import Draining
from shared.rpc.validation import Validation
from shared.settings import Settings
from shared.telemetry import LoopLag

MESSAGE_BYTES = 4 * 1024 * 1024

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    # Clients ping every 60 s (see channels); a server forbids less than 5 minutes unless told otherwise (gRFC A8).
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A watcher whose machine vanished holds its stream until a ping fails.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Otherwise a second server binds the same port and takes half of the calls.
    ("grpc.so_reuseport", 0),
)


class PortTaken(FailedPrecondition):
    """Cannot listen on {address}: another program does, or it is no address of this machine; set another with --port or GREENROOM_PORT."""  # noqa: E501

    reason = "PORT_TAKEN"


@dataclass(frozen=True, slots=True)
class Registration:
    """One proto service and who answers it.

    name: the full name, `package.Service`.
    add: the generated `add_…Servicer_to_server`.
    servicer: its methods are coroutine functions and async generators.
    """

    name: str
    add: Callable[[Any, Any], None]
    servicer: Any


class Server:
    """Serves registrations by settings. Start it once; stop it once.

    health: pass one that others set as well; services not mentioned there serve from the start.
    """

    def __init__(
        self, settings: Settings, registrations: Sequence[Registration], *, health: Health | None = None
    ) -> None:
        self._settings = settings
        self._registrations = registrations
        self._health = health or Health()
        self._drain = asyncio.Event()
        self._lag = LoopLag(on_overload=self._health.set_overloaded)
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Listen and return the port.

        Raises UnsafeListening, IncompleteTls, MethodWithoutPermission, PortTaken, WeakSecret, AmbiguousKeys.
        """
        settings, names = self._settings, [registration.name for registration in self._registrations]
        settings.check_listening()
        server = grpc.aio.server(
            interceptors=[
                Writes(),
                aio_server_interceptor(  # type: ignore[no-untyped-call]
                    filter_=lambda details: not is_exempt(details.method)
                ),
                Errors(),
                Draining(self._drain),
                Access(Authenticator(settings), declared_permissions(names)),
                Validation(),
            ],
            options=_OPTIONS,
        )
        for registration in self._registrations:
            registration.add(registration.servicer, server)
            self._health.add(registration.name)
        grpc_health.add_to(server, self._health)
        reflection.add_to(server, [*names, grpc_health.SERVICE])
        port = _listen(server, settings)
        await server.start()
        self._lag.start()
        self._server = server
        return port

    def set_serving(self, service: str, serving: bool) -> None:
        """Say whether service (a full name, or "" for the server as a whole) can do its work."""
        self._health.set_serving(service, serving)

    async def stop(self) -> None:
        """Report not serving, end watches with their newest cursor, let calls finish for `drain_seconds`, and stop."""
        self._health.drain()
        self._drain.set()
        if self._server is not None:
            await self._server.stop(self._settings.drain_seconds)
            await self._lag.stop()
            self._server = None


def check_address(settings: Settings) -> None:
    """Find out whether a server could listen as the settings say, before the work that comes before it starts.

    Raises UnsafeListening, IncompleteTls, PortTaken.
    """
    settings.check_listening()
    if settings.port == 0:
        return
    host = settings.host.strip("[]")
    try:
        socket.create_server((host, settings.port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise PortTaken(address=_address(settings)) from error


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host and not settings.host.startswith("[") else settings.host
    return f"{host}:{settings.port}"


def _listen(server: grpc.aio.Server, settings: Settings) -> int:
    address = _address(settings)
    try:
        if settings.tls_cert is None or settings.tls_key is None:
            return server.add_insecure_port(address)
        pair = (settings.tls_key.read_bytes(), settings.tls_cert.read_bytes())
        return server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    except RuntimeError as error:
        raise PortTaken(address=address) from error
