"""Calls to other services for the starter of a work."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import grpc
from google.rpc import error_details_pb2, status_pb2

from shared.auth import DEVELOPMENT, Caller
from shared.errors import (
    Aborted,
    AlreadyExists,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    GreenroomError,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    Violation,
    repeated,
)
from shared.peers import PEER_KEY, HouseKey, HouseKeyMissing
from shared.rpc.access import PERSON_KEY
from shared.rpc.channels import Channels
from shared.rpc.errors import DETAILS_KEY
from shared.settings import Settings

Request = TypeVar("Request")
Response = TypeVar("Response")

_KINDS = {
    kind.code: kind
    for kind in (
        Aborted,
        AlreadyExists,
        DataLoss,
        FailedPrecondition,
        GreenroomError,
        InvalidArgument,
        NotFound,
        OutOfRange,
        PermissionDenied,
        Unauthenticated,
    )
}


class PeerUnavailable(Unavailable):
    """The service {peer} cannot be reached; try again."""

    reason = "PEER_UNAVAILABLE"


class PeerTimeout(DeadlineExceeded):
    """The service {peer} did not answer within {seconds} s; repeat the call with the same request_id, or give it a deadline."""  # noqa: E501

    reason = "PEER_TIMEOUT"


@dataclass(frozen=True, slots=True)
class Peer:
    """One service, called for one starter. channel: for the stubs of the service."""

    name: str
    channel: grpc.aio.Channel
    metadata: tuple[tuple[str, str], ...]

    async def unary(self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request) -> Response:
        """The answer to a call. Raises what the service says, and PeerUnavailable if it cannot answer now."""
        try:
            return await self._caught(method(request, metadata=self.metadata))
        except grpc.aio.AioRpcError as error:
            raise said_by(self.name, error) from None

    async def upload(
        self, method: "grpc.aio.StreamUnaryMultiCallable[Request, Response]", requests: AsyncIterator[Request]
    ) -> Response:
        """The answer to a stream of requests. Raises as `unary` does."""
        try:
            return await self._caught(method(requests, metadata=self.metadata))
        except grpc.aio.AioRpcError as error:
            raise said_by(self.name, error) from None

    async def stream(
        self,
        method: "grpc.aio.UnaryStreamMultiCallable[Request, Response]",
        request: Request,
        *,
        seconds: float | None = None,
    ) -> AsyncGenerator[Response, None]:
        """The messages of a stream, for `seconds` at most. Raises as `unary` does; closing it ends the call."""
        call = method(request, metadata=self.metadata, timeout=seconds)
        try:
            while (message := await self._caught(call.read())) is not grpc.aio.EOF:
                yield message  # type: ignore[misc]
        except grpc.aio.AioRpcError as error:
            if seconds is not None and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                return
            raise said_by(self.name, error) from None
        finally:
            call.cancel()

    async def _caught(self, answer: Awaitable[Response]) -> Response:
        try:
            return await answer
        except asyncio.CancelledError:
            # grpc.aio raises it both when the service ends the call with CANCELLED and when this task is cancelled.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise PeerUnavailable(peer=self.name) from None


class Peers:
    """The services that a service calls for the starters of its works.

    addresses: of each service by name; read at each call, because `greenroom up` knows its own only later.
    """

    def __init__(self, settings: Settings, addresses: Mapping[str, str]) -> None:
        self._house = HouseKey.of(settings)
        self._authenticates = settings.authenticates
        self._addresses = addresses
        self._channels = Channels(settings)

    def check(self) -> None:
        """Check that this service can act for its callers. Raises HouseKeyMissing."""
        if self._authenticates and self._house is None:
            raise HouseKeyMissing

    def of(self, service: str, starter: Caller) -> Peer:
        """A service, called for the starter of a work. Raises HouseKeyMissing."""
        return Peer(service, self._channels.to(self._addresses[service]), self.metadata(starter))

    def metadata(self, starter: Caller) -> tuple[tuple[str, str], ...]:
        """The metadata of a call for this starter, valid for some seconds. Raises HouseKeyMissing.

        Without a key of the house and without authentication, the call says who the starter is.
        """
        self.check()
        if self._house is not None:
            return ((PEER_KEY, self._house.credential(starter)),)
        return ((PERSON_KEY, starter.subject),) if starter != DEVELOPMENT else ()

    async def close(self) -> None:
        """Cancel running calls and close the connections."""
        await self._channels.close()


def said_in(code: str, reason: str, sentence: str) -> GreenroomError:
    """The error that a service describes in an answer, as an error of ours. code: such as `NOT_FOUND`."""
    return repeated(_KINDS.get(code, GreenroomError), reason, sentence, (), {})


def said_by(peer: str, error: grpc.aio.AioRpcError) -> GreenroomError:
    """The error of a service as an error of ours, with its sentence, reason and violations.

    PeerUnavailable for one that may go away by itself.
    """
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            status = status_pb2.Status.FromString(value)
    kind = _KINDS.get(error.code().name)
    if kind is None or not status.details:
        return PeerUnavailable(peer=peer)
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        _ = detail.Unpack(info) or detail.Unpack(request)
    violations = tuple(Violation(one.field, one.description) for one in request.field_violations)
    return repeated(kind, info.reason, status.message, violations, dict(info.metadata))
