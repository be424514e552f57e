"""Channels to peers: one per peer and process, with keepalive and a deadline on every unary call."""

from collections.abc import Callable
from typing import Any

import grpc

from shared.rpc.server import MESSAGE_BYTES, keepalive
from shared.settings import Settings

# No retry policy: a call that ended UNAVAILABLE may have taken effect, and only its caller knows if a repeat is safe.
# gRPC itself resends calls that never reached the peer (gRFC A6).
_SERVICE_CONFIG = '{"loadBalancingConfig": [{"round_robin": {}}]}'

_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.keepalive_timeout_ms", 20_000),
    # gRPC waits a minute for the answer to a ping, whatever the timeout of keepalive is.
    ("grpc.http2.ping_timeout_ms", 20_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.service_config", _SERVICE_CONFIG),
)


class Channels:
    """The channels of one process. The composition root opens and closes them."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.peer_timeout_seconds
        self._options = (*_OPTIONS, keepalive(settings))
        self._credentials = (
            grpc.ssl_channel_credentials(settings.tls_ca.read_bytes()) if settings.tls_ca is not None else None
        )
        self._channels: dict[str, grpc.aio.Channel] = {}

    def to(self, address: str) -> grpc.aio.Channel:
        """The channel to an address (`host:port`). It connects at the first call."""
        if address not in self._channels:
            interceptors = [_Deadline(self._timeout)]
            self._channels[address] = (
                grpc.aio.secure_channel(address, self._credentials, options=self._options, interceptors=interceptors)
                if self._credentials is not None
                else grpc.aio.insecure_channel(address, options=self._options, interceptors=interceptors)
            )
        return self._channels[address]

    async def close(self) -> None:
        """Cancel running calls and close all channels."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()


class _Deadline(grpc.aio.UnaryUnaryClientInterceptor):
    """Sets the default deadline on unary calls without one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        if client_call_details.timeout is None:
            client_call_details = client_call_details._replace(timeout=self._seconds)  # type: ignore[attr-defined]
        return await continuation(client_call_details, request)
