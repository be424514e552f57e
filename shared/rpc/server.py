"""A gRPC server with our interceptors, health, reflection, TLS and a graceful stop."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.instrumentation.grpc import aio_server_interceptor

from shared.auth import Authenticator
from shared.errors import FailedPrecondition
from shared.keys import check_tls
from shared.peers import HouseKey
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
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_timeout_ms", 20_000),
    # gRPC waits a minute for the answer to a ping, whatever the timeout of keepalive is.
    ("grpc.http2.ping_timeout_ms", 20_000),
    # With SO_REUSEPORT, a second server could bind the same port and take half of the calls.
    ("grpc.so_reuseport", 0),
)


def keepalive(settings: Settings) -> tuple[str, int]:
    """The option that pings idle connections: a watcher whose machine is gone holds its stream until a ping fails."""
    return "grpc.keepalive_time_ms", round(settings.keepalive_seconds * 1000)


def pings_allowed(settings: Settings) -> tuple[str, int]:
    """The option that lets clients ping; by default a server disconnects those that ping within 5 minutes (gRFC A8).

    A tenth less than the setting, because a client's timer and the network vary.
    """
    return "grpc.http2.min_ping_interval_without_data_ms", round(settings.client_ping_seconds * 900)


class PortTaken(FailedPrecondition):
    """Cannot listen on {address}: it is in use, or not an address of this machine; set another with --port or GREENROOM_PORT."""  # noqa: E501

    reason = "PORT_TAKEN"


@dataclass(frozen=True, slots=True)
class Registration:
    """A gRPC service and its servicer.

    name: the full name, `package.Service`.
    add: the generated function `add_…Servicer_to_server`.
    servicer: an object whose methods are coroutine functions and async generators.
    """

    name: str
    add: Callable[[Any, Any], None]
    servicer: Any


class Server:
    """A gRPC server. Start it once; stop it once.

    health: the health to report; services that it does not mention are SERVING from the start.
    """

    def __init__(
        self, settings: Settings, registrations: Sequence[Registration], *, health: Health | None = None
    ) -> None:
        self._settings = settings
        self._registrations = registrations
        self._health = health or Health()
        self._drain = asyncio.Event()
        self._lag = LoopLag(self._health.set_overloaded, settings.overload_seconds)
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Start to listen and return the port.

        Raises MethodWithoutPermission, PortTaken, and what check_keys raises.
        """
        settings, names = self._settings, [registration.name for registration in self._registrations]
        authenticator, house = check_keys(settings), HouseKey.of(settings)
        server = grpc.aio.server(
            interceptors=[
                Writes(),
                aio_server_interceptor(  # type: ignore[no-untyped-call]
                    filter_=lambda details: not is_exempt(details.method)
                ),
                Errors(),
                Draining(self._drain),
                Access(authenticator, declared_permissions(names), house if settings.takes_peers else None),
                Validation(),
            ],
            options=(*_OPTIONS, keepalive(settings), pings_allowed(settings)),
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
        """Set the health of a service. service: a full name, or "" for the server as a whole."""
        self._health.set_serving(service, serving)

    async def stop(self) -> None:
        """Report NOT_SERVING, end watches with their newest cursor, wait `drain_seconds` for other calls, then stop."""
        self._health.drain()
        self._drain.set()
        if self._server is not None:
            await self._server.stop(self._settings.drain_seconds)
            await self._lag.stop()
            self._server = None


def check_keys(settings: Settings) -> Authenticator:
    """Check that a server's keys and certificates are usable and safe for its address, and return its authenticator.

    Raises UnsafeListening, IncompleteTls, WeakSecret, AmbiguousKeys, and BadSetting for a file that is unusable.
    """
    settings.check_listening()
    check_tls(settings)
    HouseKey.of(settings)
    return Authenticator(settings)


def check_address(settings: Settings) -> None:
    """Check early that a server can listen at the address of the settings.

    Raises PortTaken, and what check_keys raises.
    """
    check_keys(settings)
    if settings.port == 0:
        return
    host = settings.host.strip("[]")
    try:
        socket.create_server((host, settings.port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except (OSError, ValueError) as error:  # a name that resolvers refuse raises ValueError
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
