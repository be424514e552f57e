"""Channels to peers: one a peer a process, kept alive, with a deadline on every unary call."""

from collections.abc import Callable
from typing import Any

import grpc

from shared.rpc.server import MESSAGE_BYTES
from shared.settings import Settings

# No retry policy: what is UNAVAILABLE may have been done all the same, and only its sender knows whether that matters.
# What never reached a peer gRPC sends again by itself (gRFC A6).
_SERVICE_CONFIG = '{"loadBalancingConfig": [{"round_robin": {}}]}'

_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.service_config", _SERVICE_CONFIG),
)


class Channels:
    """The channels of one process; its composition root makes it and closes it."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.peer_timeout_seconds
        self._credentials = (
            grpc.ssl_channel_credentials(settings.tls_ca.read_bytes()) if settings.tls_ca is not None else None
        )
        self._channels: dict[str, grpc.aio.Channel] = {}

    def to(self, address: str) -> grpc.aio.Channel:
        """The channel to address (`host:port`), made when first asked for; it connects when first used."""
        if address not in self._channels:
            interceptors = [_Deadline(self._timeout)]
            self._channels[address] = (
                grpc.aio.secure_channel(address, self._credentials, options=_OPTIONS, interceptors=interceptors)
                if self._credentials is not None
                else grpc.aio.insecure_channel(address, options=_OPTIONS, interceptors=interceptors)
            )
        return self._channels[address]

    async def close(self) -> None:
        """Cancel what is under way and close all channels."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()


class _Deadline(grpc.aio.UnaryUnaryClientInterceptor):
    """Gives unary calls that bring no deadline the default one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        if client_call_details.timeout is None:
            client_call_details = client_call_details._replace(timeout=self._seconds)  # type: ignore[attr-defined]
        return await continuation(client_call_details, request)
