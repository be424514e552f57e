"""The client: one connection, and a façade for each noun."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from greenroom.client._batches import Batches
from greenroom.client._calls import Backoff, Calls
from greenroom.client._conversations import Conversations
from greenroom.client._personas import Personas
from greenroom.client._procedures import Procedures
from greenroom.client._sources import Sources
from greenroom.client._traces import Traces

_MESSAGE_BYTES = 4 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    # Servers of Greenroom allow a ping every 30 s; a peer that vanished is noticed after 80 s.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Repeating is ours, by Backoff: gRPC stops at a stream's first message.
    ("grpc.enable_retries", 0),
)


class Client:
    """What `connect` gives: a façade for each noun."""

    def __init__(self, calls: Calls) -> None:
        self.personas = Personas(calls)
        self.procedures = Procedures(calls)
        self.sources = Sources(calls)
        self.conversations = Conversations(calls)
        self.batches = Batches(calls)
        self.traces = Traces(calls)


@asynccontextmanager
async def connect(
    address: str = "127.0.0.1:9000",
    *,
    token: str | None = None,
    tls: grpc.ChannelCredentials | None = None,
    timeout: float = 30.0,  # noqa: ASYNC109
    retry: Backoff = Backoff(attempts=4),  # noqa: B008
    reconnect: Backoff = Backoff(attempts=60),  # noqa: B008
) -> AsyncIterator[Client]:
    """A client of the gateway, or of one service, at address (`host:port`). It connects when first used.

    token: a bearer token, sent with every call.
    tls: what `grpc.ssl_channel_credentials()` makes; None speaks plain text.
    timeout: seconds that a unary call may take, its further attempts included. What streams has none.
    retry: how calls are repeated while the server is unavailable, those only for which a second call does no more than
        the first.
    reconnect: how watches, exports and streams that are cut go on.
    """
    channel = (
        grpc.aio.insecure_channel(address, options=_OPTIONS)
        if tls is None
        else grpc.aio.secure_channel(address, tls, options=_OPTIONS)
    )
    async with channel:
        yield Client(Calls(channel, token, timeout, retry, reconnect))
