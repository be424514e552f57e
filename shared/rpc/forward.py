"""Forwarding: every method of a service answered by a peer, as bytes.

On the wire the four kinds of methods are one: messages, half-close, messages, status. So each is forwarded as a stream
both ways, and nothing is decoded. Messages are asked for as the other side takes them, so a stalled reader stalls its
peer, not the memory here.
"""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from opentelemetry import propagate

from shared.errors import Unavailable
from shared.rpc.errors import DETAILS_KEY, abort
from shared.rpc.handlers import Context, Handler
from shared.rpc.server import Registration

Metadata = tuple[tuple[str, str | bytes], ...]

# Written anew at each hop: by gRPC itself, and by tracing.
_HOP = ("grpc-", ":")
_HOP_KEYS = {"user-agent", "content-type", "te", "traceparent", "tracestate"}


class PeerUnavailable(Unavailable):
    """The {peer} cannot be reached; try again."""

    reason = "PEER_UNAVAILABLE"


def forwarded(service: str, channel: grpc.aio.Channel, peer: str) -> Registration:
    """Registers service (a full name) as one that peer (a name for people) answers over channel."""
    return Registration(service, _add, _Forward(service, channel, peer))


def _add(handler: grpc.GenericRpcHandler, server: grpc.aio.Server) -> None:
    server.add_generic_rpc_handlers((handler,))


class _Forward(grpc.GenericRpcHandler):
    def __init__(self, service: str, channel: grpc.aio.Channel, peer: str) -> None:
        # Only what is known here: a method whose permission is unknown must not pass.
        methods = descriptor_pool.Default().FindServiceByName(service).methods
        self._methods = {f"/{service}/{method.name}" for method in methods}
        self._channel = channel
        self._peer = peer

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        method = handler_call_details.method
        if method not in self._methods:
            return None

        async def answer(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
            start: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = self._channel.stream_stream(method)
            call = start(requests, timeout=context.time_remaining(), metadata=_onwards(context.invocation_metadata()))
            try:
                await context.send_initial_metadata(_metadata(await call.initial_metadata()))
                while (response := await call.read()) is not grpc.aio.EOF:
                    yield response  # type: ignore[misc]
                context.set_trailing_metadata(_metadata(await call.trailing_metadata()))
            except grpc.aio.AioRpcError as error:
                await self._fail(context, error.code(), error.details(), _metadata(error.trailing_metadata()))
            finally:
                call.cancel()

        return grpc.stream_stream_rpc_method_handler(answer)

    async def _fail(self, context: Context, code: grpc.StatusCode, sentence: str | None, trailing: Metadata) -> None:
        if code is grpc.StatusCode.UNAVAILABLE and DETAILS_KEY not in dict(trailing):
            # Made by gRPC here, not by the peer: its text holds addresses and system errors.
            await abort(context, PeerUnavailable(peer=self._peer))
        await context.abort(code, sentence or "", trailing)


def _metadata(metadata: Any) -> Metadata:
    return tuple((key, value) for key, value in metadata or ())


def _onwards(metadata: Any) -> Metadata:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    kept = [(key, value) for key, value in _metadata(metadata) if not key.startswith(_HOP) and key not in _HOP_KEYS]
    return (*kept, *carrier.items())
