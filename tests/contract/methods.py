"""Every method of every service, from the descriptors, callable with any request."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from buf.validate import validate_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from shared.roster import SERVICES

BROKEN_OFF = "Internal error from Core"
"""What grpc.aio says of a stream whose server answers while the client still sends requests."""


@dataclass(frozen=True)
class Told:
    """The end of a call: the name of the code, and domain and reason of its ErrorInfo, or ""."""

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
        self, channel: grpc.aio.Channel, *requests: Message | bytes, token: str = "", seconds: float = 60.0
    ) -> tuple[Told, list[Any]]:
        """Make the call; returns its end and its responses. Requests of type bytes are sent unchanged.

        A call that its own client broke off is made again.
        """
        for _ in range(5):
            told, responses = await self._call(channel, requests, token, seconds)
            if told.sentence != BROKEN_OFF:
                break
        return told, responses

    async def _call(
        self, channel: grpc.aio.Channel, requests: Sequence[Message | bytes], token: str, seconds: float
    ) -> tuple[Told, list[Any]]:
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
                    responses.append(one)  # noqa: PERF401 - keep the responses before a failure
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
    """All methods."""
    pool = descriptor_pool.Default()
    return [
        Method(method)
        for one in SERVICES
        for service in one.rpc_services
        for method in pool.FindServiceByName(service).methods
    ]


def collection_of(field: FieldDescriptor) -> str:
    """The collection of a field that holds resource names, such as `sources`; "" for other fields."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    pattern = rules.string.pattern or rules.repeated.items.string.pattern
    collection, slash, _ = pattern.removeprefix("^").removeprefix("(").partition("/")
    return collection if slash and collection.replace("_", "").isalpha() else ""


def names_in(message: Descriptor, path: tuple[FieldDescriptor, ...] = ()) -> Iterator[tuple[FieldDescriptor, ...]]:
    """The paths of all fields of a message that hold a resource name."""
    for field in message.fields:
        inner = field.message_type
        if inner is not None and inner.full_name.startswith("greenroom.") and field not in path:
            yield from names_in(inner, (*path, field))
        elif field.type == field.TYPE_STRING and collection_of(field):
            yield (*path, field)


def put(message: Any, path: Sequence[FieldDescriptor], value: str) -> None:
    """Set the field at a path."""
    *outer, last = path
    for field in outer:
        inner = getattr(message, field.name)
        message = (inner[0] if len(inner) else inner.add()) if field.is_repeated else inner
    if last.is_repeated:
        getattr(message, last.name).append(value)
    else:
        setattr(message, last.name, value)
