"""The exception of the client, decoded from the status of a failed call."""

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2

_DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Violation:
    """A field of the request that is wrong.

    field: its path, such as `spec.conversation.max_turns`.
    description: what is wrong and what would be right.
    """

    field: str
    description: str


class GreenroomError(Exception):
    """A call failed. As a string: one sentence, then one line per wrong field.

    code: the name of the canonical code, such as `NOT_FOUND`.
    reason: stable and UPPER_SNAKE, for programs, such as `SOURCE_NOT_FINISHED`; empty if the error does not come from
        Greenroom, such as a lost connection or a deadline.
    message: the sentence.
    violations: the wrong fields.
    metadata: the variable parts of the sentence, by name.
    """

    def __init__(
        self,
        code: str,
        reason: str,
        message: str,
        violations: tuple[Violation, ...] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = violations
        self.metadata = dict(metadata or {})

    def __str__(self) -> str:
        return self.message + "".join(f"\n  {one.field}: {one.description}" for one in self.violations)


def decoded(error: grpc.aio.AioRpcError) -> GreenroomError:
    """The error that the server sent; without details, the message of gRPC."""
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            status = status_pb2.Status.FromString(value)
    reason, metadata, violations = "", dict[str, str](), list[Violation]()
    for detail in status.details:
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(request):
            violations += [Violation(one.field, one.description) for one in request.field_violations]
    return GreenroomError(
        error.code().name, reason, status.message or error.details() or "", tuple(violations), metadata
    )
