"""Forwards every method of a service to a peer, as bytes.

On the wire all four kinds of methods look alike: messages, half-close, messages, status. So each call is forwarded as a
bidirectional stream, without decoding. The next message is read only after the other side took the last one, so a
stalled reader stops its peer instead of filling memory here.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub
from opentelemetry import propagate

from shared.peers import PEER_KEY
from shared.rpc.errors import DETAILS_KEY, abort
from shared.rpc.handlers import Context, Handler
from shared.rpc.peers import PeerTimeout, PeerUnavailable
from shared.rpc.server import Registration

Metadata = tuple[tuple[str, str | bytes], ...]

# gRPC and tracing set these headers at each hop; a peer credential is never forwarded.
_HOP = ("grpc-", ":")
_HOP_KEYS = {"user-agent", "content-type", "te", "traceparent", "tracestate", PEER_KEY}

_FAILED_WRITE = "Internal error from Core"


def forwarded(service: str, channel: grpc.aio.Channel, peer: str, timeout: float) -> Registration:
    """A registration that forwards `service` (a full name) over the channel.

    peer: its name in errors.
    timeout: seconds that a unary call without a deadline may take. After as many seconds of silence on a stream, the
    peer's health is checked.
    """
    return Registration(service, _add, _Forward(service, channel, peer, timeout))


def _add(handler: grpc.GenericRpcHandler, server: grpc.aio.Server) -> None:
    server.add_generic_rpc_handlers((handler,))


class _Forward(grpc.GenericRpcHandler):
    def __init__(self, service: str, channel: grpc.aio.Channel, peer: str, timeout: float) -> None:
        # Forward known methods only: the permission of an unknown method is unknown too.
        methods = descriptor_pool.Default().FindServiceByName(service).methods
        self._streams = {
            f"/{service}/{method.name}": method.client_streaming or method.server_streaming for method in methods
        }
        self._channel = channel
        self._peer = peer
        self._timeout = timeout

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        method = handler_call_details.method
        if method not in self._streams:
            return None
        streams = self._streams[method]

        async def answer(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
            start: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = self._channel.stream_stream(method)
            asked = context.time_remaining()
            timeout = self._timeout if asked is None and not streams else asked
            call = start(requests, timeout=timeout, metadata=_onwards(context.invocation_metadata()))
            status, silence = _Status(call), _Silence(call, self._channel, self._timeout)
            watched = asyncio.create_task(silence.watch()) if streams else None
            try:
                with silence.until_answered():
                    first = await call.initial_metadata()
                await context.send_initial_metadata(_metadata(first))
                while True:
                    with silence.until_answered():
                        response = await call.read()
                    if response is grpc.aio.EOF:
                        break
                    yield response  # type: ignore[misc]
                context.set_trailing_metadata(_metadata(await call.trailing_metadata()))
            except grpc.aio.AioRpcError as raised:
                error = await status.of_peer(raised)
                if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and asked is None:
                    await abort(context, PeerTimeout(peer=self._peer, seconds=f"{self._timeout:g}"))
                await self._fail(context, error.code(), error.details(), _metadata(error.trailing_metadata()))
            except asyncio.CancelledError:
                if not silence.endless:
                    raise
                await abort(context, PeerUnavailable(peer=self._peer))
            finally:
                if watched is not None:
                    watched.cancel()
                call.cancel()

        return grpc.stream_stream_rpc_method_handler(answer)

    async def _fail(self, context: Context, code: grpc.StatusCode, sentence: str | None, trailing: Metadata) -> None:
        if code is grpc.StatusCode.UNAVAILABLE and DETAILS_KEY not in dict(trailing):
            # gRPC made this error here, and its text contains addresses and system errors.
            await abort(context, PeerUnavailable(peer=self._peer))
        await context.abort(code, sentence or "", trailing)


class _Silence:
    """Cancels a call to a peer that sends nothing and does not answer its health check either, because it is frozen.

    A stream may be silent for long for good reasons, such as a large import.
    """

    def __init__(self, call: "grpc.aio.Call", channel: grpc.aio.Channel, timeout: float) -> None:
        self._call = call
        self._health = HealthStub(channel)
        self._timeout = timeout
        self._since: float | None = None
        self.endless = False

    @contextmanager
    def until_answered(self) -> Iterator[None]:
        """Wrap each wait for the peer, so that a reader that does not read its messages does not count as silence of
        the peer.
        """
        self._since = asyncio.get_running_loop().time()
        yield
        self._since = None

    async def watch(self) -> None:
        """Return when the call is cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            left = self._timeout if self._since is None else self._since + self._timeout - clock()
            if left > 0:
                await asyncio.sleep(left)
                continue
            since = self._since
            try:
                await self._health.Check(HealthCheckRequest(), timeout=self._timeout)
            except grpc.aio.AioRpcError:
                if self._since == since:
                    self.endless = True
                    self._call.cancel()
                    return
            else:
                await asyncio.sleep(self._timeout)


class _Status:
    """The status of a peer that ended a call before it read all requests.

    The next write then fails, and grpc.aio sets a status of its own, which may replace the status of the peer. So look
    at each status when it is set.
    """

    def __init__(self, call: "grpc.aio.Call") -> None:
        self._call = call
        self._error: asyncio.Future[grpc.aio.AioRpcError] = asyncio.get_running_loop().create_future()
        call.add_done_callback(self._look)

    async def of_peer(self, raised: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """The error of the peer, or `raised` if the peer sends none within a second."""
        if raised.details() == _FAILED_WRITE:
            await asyncio.wait({self._error}, timeout=1)
        return self._error.result() if self._error.done() else raised

    def _look(self, _: object) -> None:
        code, details = _at_once(self._call.code()), _at_once(self._call.details())
        if code is not grpc.StatusCode.OK and details != _FAILED_WRITE and not self._error.done():
            trailing = _at_once(self._call.trailing_metadata())
            self._error.set_result(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details))


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never waits."""
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
    sent = [(key, value) for key, value in _metadata(metadata) if not key.startswith(_HOP) and key not in _HOP_KEYS]
    return (*sent, *carrier.items())
