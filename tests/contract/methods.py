"""Every method of every service, as their descriptors describe them, to be called with any request."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from buf.validate import validate_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from services.gateway.adapters.peers import peers
from services.gateway.settings import GatewaySettings


@dataclass(frozen=True)
class Told:
    """How a call ended: the code's name, and of its ErrorInfo the domain and the reason, "" when there is none."""

    code: str
    domain: str = ""
    reason: str = ""
    sentence: str = ""


@dataclass(frozen=True)
class Method:
    """One method."""

    descriptor: MethodDescriptor

    def __str__(self) -> str:
        return self.descriptor.name

    @property
    def request(self) -> type[Message]:
        """The class of its requests."""
        return message_factory.GetMessageClass(self.descriptor.input_type)

    async def call(
        self, channel: grpc.aio.Channel, *requests: Message | bytes, token: str = "", seconds: float = 10.0
    ) -> tuple[Told, list[Any]]:
        """How the call ended, and the responses that came before. A request of bytes is sent as it is."""
        path = f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"
        kind = "_".join(
            "stream" if streaming else "unary"
            for streaming in (self.descriptor.client_streaming, self.descriptor.server_streaming)
        )
        response = message_factory.GetMessageClass(self.descriptor.output_type)
        stub = getattr(channel, kind)(path, request_serializer=_wire, response_deserializer=response.FromString)
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        sent: Any = _each(requests) if self.descriptor.client_streaming else requests[0]
        call = stub(sent, timeout=seconds, metadata=metadata)
        responses: list[Any] = []
        try:
            if self.descriptor.server_streaming:
                async for one in call:
                    responses.append(one)  # noqa: PERF401 - those that came before a failure count too
            else:
                responses.append(await call)
        except grpc.aio.AioRpcError as error:
            return _told(error), responses
        return Told("OK"), responses


def _wire(request: Message | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


async def _each(requests: Sequence[Message | bytes]) -> AsyncIterator[Message | bytes]:
    for request in requests:
        yield request


def _told(error: grpc.aio.AioRpcError) -> Told:
    status, info = status_pb2.Status(), error_details_pb2.ErrorInfo()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            status = status_pb2.Status.FromString(value)
    for detail in status.details:
        detail.Unpack(info)
    return Told(error.code().name, info.domain, info.reason, error.details() or "")


def methods() -> list[Method]:
    """All of them."""
    pool = descriptor_pool.Default()
    return [
        Method(method)
        for peer in peers(GatewaySettings())
        for service in peer.services
        for method in pool.FindServiceByName(service).methods
    ]


def collection_of(field: FieldDescriptor) -> str:
    """The collection that a field names a member of, such as `sources`; "" if it is no name."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    pattern = rules.string.pattern or rules.repeated.items.string.pattern
    collection, slash, _ = pattern.removeprefix("^").removeprefix("(").partition("/")
    return collection if slash else ""


def names_in(message: Descriptor, path: tuple[FieldDescriptor, ...] = ()) -> Iterator[tuple[FieldDescriptor, ...]]:
    """The paths to all fields of a message that name a resource."""
    for field in message.fields:
        inner = field.message_type
        if inner is not None and inner.full_name.startswith("greenroom.") and field not in path:
            yield from names_in(inner, (*path, field))
        elif field.type == field.TYPE_STRING and collection_of(field):
            yield (*path, field)


def put(message: Any, path: Sequence[FieldDescriptor], value: str) -> None:
    """Set the field at the end of a path."""
    *outer, last = path
    for field in outer:
        inner = getattr(message, field.name)
        message = inner.add() if field.is_repeated else inner
    if last.is_repeated:
        getattr(message, last.name).append(value)
    else:
        setattr(message, last.name, value)
