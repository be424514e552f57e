"""A service with all four kinds of methods, described here so that the tests of shared/rpc need no proto of a product.

EchoRequest.text has at most 100 characters, EchoRequest.tags at most 8 each. The text is a command: `fail CODE`, `crash
SECRET`, `wait`; any other text is echoed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from greenroom.type.v1 import options_pb2
from shared.auth import caller
from shared.errors import GreenroomError, Violation
from shared.rpc.server import Registration, Server
from shared.rpc.streams import watch
from shared.settings import Settings
from tests.failures import RpcFailure, from_rpc_error

NAME = "greenroom.tests.v1.EchoService"
UNMARKED = "greenroom.tests.v1.UnmarkedService"
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
"""Channel options: do not share connections, because an earlier server on the same port may be closing its own."""
KINDS = ("Unary", "ServerStream", "ClientStream", "Bidi")
METHODS = (*KINDS, "Watch")
_KINDS = {"ServerStream": (False, True), "ClientStream": (True, False), "Bidi": (True, True), "Watch": (False, True)}

_Field = descriptor_pb2.FieldDescriptorProto


def _describe() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="greenroom/tests/v1/echo.proto",
        package="greenroom.tests.v1",
        syntax="proto3",
        dependency=["buf/validate/validate.proto", "greenroom/type/v1/options.proto"],
    )
    request = file.message_type.add(name="EchoRequest")
    text = request.field.add(name="text", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    text.options.Extensions[validate_pb2.field].string.max_len = 100
    tags = request.field.add(name="tags", number=2, type=_Field.TYPE_STRING, label=_Field.LABEL_REPEATED)
    tags.options.Extensions[validate_pb2.field].repeated.items.string.max_len = 8
    request.field.add(
        name="inner", number=3, type=_Field.TYPE_MESSAGE, type_name=".greenroom.tests.v1.EchoRequest", label=1
    )
    request.field.add(name="page_size", number=4, type=_Field.TYPE_INT32, label=_Field.LABEL_OPTIONAL)
    request.field.add(name="page_token", number=5, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    response = file.message_type.add(name="EchoResponse")
    response.field.add(name="text", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    echo, unmarked = file.service.add(name="EchoService"), file.service.add(name="UnmarkedService")
    for name in METHODS:
        client, server = _KINDS.get(name, (False, False))
        method = echo.method.add(
            name=name,
            input_type=".greenroom.tests.v1.EchoRequest",
            output_type=".greenroom.tests.v1.EchoResponse",
            client_streaming=client,
            server_streaming=server,
        )
        method.options.Extensions[options_pb2.permission] = "echo.write" if name == "ClientStream" else "echo.read"
    unmarked.method.add(
        name="Do", input_type=".greenroom.tests.v1.EchoRequest", output_type=".greenroom.tests.v1.EchoResponse"
    )
    return file


descriptor_pool.Default().AddSerializedFile(_describe().SerializeToString())


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(
        descriptor_pool.Default().FindMessageTypeByName(f"greenroom.tests.v1.{name}")
    )


EchoRequest: Any = _message("EchoRequest")
EchoResponse: Any = _message("EchoResponse")


def error_of(code: str) -> GreenroomError:
    """An error with the canonical code of that name."""
    kind = type(
        "Told",
        (GreenroomError,),
        {"__doc__": f"Told to fail with {code} about {{name}}.", "code": code, "reason": f"TOLD_{code}"},
    )
    error: GreenroomError = kind(name="echoes/1", violations=[Violation("text", "Must say something else.")])
    return error


class EchoServicer:
    """Echoes requests and records what it saw."""

    def __init__(self) -> None:
        self.calls = 0
        self.metadata: dict[str, Any] = {}
        self.time_remaining: float | None = None
        self.cancelled = asyncio.Event()
        self.waiting = asyncio.Event()
        self.yielded = 0

    async def _answer(self, request: Any, context: Any) -> Any:
        self.calls += 1
        self.metadata = dict(context.invocation_metadata())
        self.time_remaining = context.time_remaining()
        verb, _, rest = request.text.partition(" ")
        if verb == "fail":
            context.set_trailing_metadata((("spoiled", "yes"),))
            raise error_of(rest)
        if verb == "crash":
            raise ValueError(rest)
        if verb == "end":
            await context.abort(grpc.StatusCode[rest], "ended by the servicer", (("x-why", "because"),))
        if verb == "whoami":
            return EchoResponse(text=f"{caller().subject}@{caller().company}")
        if verb == "wait":
            self.waiting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        await context.send_initial_metadata((("x-first", "1"), ("x-first-bin", b"\x00\xff")))
        context.set_trailing_metadata((("x-last", "2"), ("x-last-bin", b"\xfe")))
        return EchoResponse(text=request.text)

    async def Unary(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answer(request, context)

    async def ServerStream(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        first = await self._answer(request, context)
        if request.text == "flood":
            try:
                while True:
                    self.yielded += 1
                    yield EchoResponse(text="x" * 10_000)
            finally:
                self.cancelled.set()
        for number in range(3):
            yield EchoResponse(text=f"{first.text} {number}")

    async def ClientStream(self, requests: AsyncIterator[Any], context: Any) -> Any:  # noqa: N802
        texts = [(await self._answer(request, context)).text async for request in _once(requests)]
        texts += [request.text async for request in requests]
        return EchoResponse(text=" ".join(texts))

    async def Bidi(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802
        async for request in _once(requests):
            yield await self._answer(request, context)
        async for request in requests:
            yield EchoResponse(text=request.text)

    def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ARG002, N802
        return watch(
            self._pages(),
            message=lambda items: EchoResponse(text=",".join(items)),
            heartbeat=lambda newest: EchoResponse(text=f"heartbeat after {newest}"),
            size=len,
        )

    async def _pages(self) -> Any:
        try:
            yield ["a", "b"]
            self.waiting.set()
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


async def _once(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield await anext(requests)


def _add(servicer: Any, server: grpc.aio.Server) -> None:
    factories = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    handlers = {
        name: factories[_KINDS.get(name, (False, False))](
            getattr(servicer, name),
            request_deserializer=EchoRequest.FromString,
            response_serializer=EchoResponse.SerializeToString,
        )
        for name in METHODS
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


def registration(servicer: EchoServicer) -> Registration:
    """The servicer's registration for a server."""
    return Registration(NAME, _add, servicer)


class EchoStub:
    """A stub like a generated one."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        def method(name: str) -> Any:
            kind = "_".join("stream" if streams else "unary" for streams in _KINDS.get(name, (False, False)))
            return getattr(channel, kind)(
                f"/{NAME}/{name}",
                request_serializer=EchoRequest.SerializeToString,
                response_deserializer=EchoResponse.FromString,
            )

        self.Unary, self.ServerStream, self.ClientStream = (
            method("Unary"),
            method("ServerStream"),
            method("ClientStream"),
        )
        self.Bidi, self.Watch = method("Bidi"), method("Watch")


@dataclass
class Echo:
    """A served EchoServicer and a way to call it."""

    servicer: EchoServicer
    server: Server
    port: int
    channel: grpc.aio.Channel
    stub: EchoStub


@asynccontextmanager
async def serving(settings: Settings | None = None) -> AsyncIterator[Echo]:
    """A real server on a free port, and a channel to it."""
    servicer = EchoServicer()
    server = Server(settings or Settings(drain_seconds=0), [registration(servicer)])
    port = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", OWN_CONNECTION) as channel:
        yield Echo(servicer, server, port, channel, EchoStub(channel))
    await server.stop()


def raw(channel: grpc.aio.Channel, method: str) -> Any:
    """Call a unary method (`/package.Service/Method`) with bytes."""
    return channel.unary_unary(method)


async def failure(call: Any) -> RpcFailure:
    """The failure of a call, unary or stream."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await (_exhaust(call) if hasattr(call, "__aiter__") else call)
    return from_rpc_error(raised.value)


async def _exhaust(call: Any) -> None:
    async for _ in call:
        pass


def call(stub: EchoStub, method: str, *requests: Any, **options: Any) -> Any:
    """Call a method of any kind with these requests; a unary request uses only the first."""
    client_streams, _ = _KINDS.get(method, (False, False))
    return getattr(stub, method)(iter(requests) if client_streams else requests[0], **options)
