"""Forwarding: every method of a service answered by a peer, as bytes.

On the wire the four kinds of methods are one: messages, half-close, messages, status. So each is forwarded as a stream
both ways, and nothing is decoded. Messages are asked for as the other side takes them, so a stalled reader stalls its
peer, not the memory here.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
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

_FAILED_WRITE = "Internal error from Core"


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
            status = _Status(call)
            try:
                await context.send_initial_metadata(_metadata(await call.initial_metadata()))
                while (response := await call.read()) is not grpc.aio.EOF:
                    yield response  # type: ignore[misc]
                context.set_trailing_metadata(_metadata(await call.trailing_metadata()))
            except grpc.aio.AioRpcError as raised:
                error = await status.of_peer(raised)
                await self._fail(context, error.code(), error.details(), _metadata(error.trailing_metadata()))
            finally:
                call.cancel()

        return grpc.stream_stream_rpc_method_handler(answer)

    async def _fail(self, context: Context, code: grpc.StatusCode, sentence: str | None, trailing: Metadata) -> None:
        if code is grpc.StatusCode.UNAVAILABLE and DETAILS_KEY not in dict(trailing):
            # Made by gRPC here, not by the peer: its text holds addresses and system errors.
            await abort(context, PeerUnavailable(peer=self._peer))
        await context.abort(code, sentence or "", trailing)


class _Status:
    """The status that a peer ended a call with before it had read everything.

    The write that fails then gives the call a status of grpc.aio's making, before or after the peer's own arrives and
    for good in the latter case. So each is looked at when it is set.
    """

    def __init__(self, call: "grpc.aio.Call") -> None:
        self._call = call
        self._error: asyncio.Future[grpc.aio.AioRpcError] = asyncio.get_running_loop().create_future()
        call.add_done_callback(self._look)

    async def of_peer(self, raised: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """The peer's own error in place of raised; raised if the peer sent none within a second."""
        if raised.details() == _FAILED_WRITE:
            await asyncio.wait({self._error}, timeout=1)
        return self._error.result() if self._error.done() else raised

    def _look(self, _: object) -> None:
        code, details = _at_once(self._call.code()), _at_once(self._call.details())
        if code is not grpc.StatusCode.OK and details != _FAILED_WRITE and not self._error.done():
            trailing = _at_once(self._call.trailing_metadata())
            self._error.set_result(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details))


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that does not wait."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("the coroutine waits")


def _metadata(metadata: Any) -> Metadata:
    return tuple((key, value) for key, value in metadata or ())


def _onwards(metadata: Any) -> Metadata:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    kept = [(key, value) for key, value in _metadata(metadata) if not key.startswith(_HOP) and key not in _HOP_KEYS]
    return (*kept, *carrier.items())
