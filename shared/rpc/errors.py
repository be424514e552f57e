"""Errors and statuses: one canonical code, one ErrorInfo, and BadRequest where fields are to blame (AIP-193)."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from opentelemetry import trace

from shared.errors import GreenroomError, InvalidArgument, Violation
from shared.rpc.handlers import Context, Handler, Layer

DOMAIN = "greenroom"
DETAILS_KEY = "grpc-status-details-bin"

# Clients refuse more than 8 KiB of headers. The sentence goes twice: percent-encoded, and base64 within the details.
_SENTENCE_BYTES = 600
_VALUE_BYTES = 200
_STATUS_BYTES = 3500

_log = structlog.get_logger(__name__)


class MalformedRequest(InvalidArgument):
    """The request's bytes are not a message of the type that this method takes."""

    reason = "MALFORMED_REQUEST"


class Unimplemented(GreenroomError):
    """This server does not implement the method."""

    code = "UNIMPLEMENTED"
    reason = "METHOD_NOT_IMPLEMENTED"


class Internal(GreenroomError):
    """An internal error occurred; the server's log tells more under trace {trace_id}."""


@dataclass(eq=False)
class RpcFailure(Exception):
    """A failed call as its caller sees it: what GreenroomError was before the wire.

    code: the canonical code's name. reason: of the ErrorInfo, or empty if the failure did not come from Greenroom.
    """

    code: str
    sentence: str
    reason: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()

    def __str__(self) -> str:
        return self.sentence


def to_status(error: GreenroomError) -> status_pb2.Status:
    """error as a google.rpc.Status, cut to what fits into the headers that carry it."""
    status = status_pb2.Status(
        code=grpc.StatusCode[error.code].value[0],
        message=_clip(str(error), _SENTENCE_BYTES),
    )
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)
    for key, value in list(error.details.items())[:8]:
        info.metadata[key] = _clip(value, _VALUE_BYTES)
    status.details.add().Pack(info)
    request = error_details_pb2.BadRequest()
    room = _STATUS_BYTES - status.ByteSize()
    for violation in error.violations:
        one = error_details_pb2.BadRequest.FieldViolation(
            field=_clip(violation.field, _VALUE_BYTES), description=_clip(violation.description, _VALUE_BYTES)
        )
        room -= one.ByteSize() + 3
        if room < 0:
            break
        request.field_violations.append(one)
    if request.field_violations:
        status.details.add().Pack(request)
    return status


def from_rpc_error(error: grpc.aio.AioRpcError) -> RpcFailure:
    """What the server said, decoded; a failure without details (a lost connection, a deadline) has an empty reason."""
    reason, details, violations = "", dict[str, str](), list[Violation]()
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            status = status_pb2.Status.FromString(value)
    for detail in status.details:
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason, details = info.reason, dict(info.metadata)
        elif detail.Unpack(request):
            violations += [Violation(one.field, one.description) for one in request.field_violations]
    return RpcFailure(error.code().name, error.details() or "", reason, details, tuple(violations))


async def abort(context: Context, error: GreenroomError) -> None:
    """End the call with error. Raises grpc.aio.AbortError, which must pass through."""
    status = to_status(error)
    # Not abort_with_status: OpenTelemetry does not see that one and records OK.
    await context.abort(grpc.StatusCode[error.code], status.message, ((DETAILS_KEY, status.SerializeToString()),))


class Errors(Layer):
    """Ends a failed call with the status that says what its caller may know.

    A GreenroomError reaches the caller unchanged. Anything else is a fault of ours: logged, and answered by one fixed
    sentence. It also decodes the requests, since a failure to decode is the caller's error.
    """

    decodes = True

    def decoder(self, handler: Handler) -> Callable[[bytes], Any] | None:
        deserialize = handler.request_deserializer
        if deserialize is None:
            return None

        def decode(wire: bytes) -> Any:
            try:
                return deserialize(wire)
            except DecodeError as error:
                raise MalformedRequest from error

        return decode

    @asynccontextmanager
    async def guard(self, method: str, context: Context) -> AsyncIterator[None]:
        try:
            yield
        except grpc.aio.AbortError:
            raise
        except GreenroomError as error:
            await abort(context, error)
        except NotImplementedError:
            await abort(context, Unimplemented())
        except Exception:
            trace_id = _trace_id()
            _log.exception("a call failed for no fault of its caller", method=method, trace_id=trace_id)
            await abort(context, Internal(trace_id=trace_id))


def _trace_id() -> str:
    """The trace's id; a random one of the same form when no trace is recorded, so that the log is found either way."""
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else secrets.token_hex(16)


def _clip(text: str, size: int) -> str:
    """text, or its beginning within size bytes of UTF-8 and an ellipsis; half surrogate pairs become question marks."""
    encoded = text.encode(errors="replace")
    return encoded.decode() if len(encoded) <= size else encoded[: size - 3].decode(errors="ignore") + "…"
