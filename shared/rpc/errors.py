"""Turns errors into statuses: one canonical code, one ErrorInfo, and BadRequest for wrong fields (AIP-193)."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from opentelemetry import trace

from shared.errors import GreenroomError, InvalidArgument
from shared.rpc.handlers import Context, Handler, Layer

DOMAIN = "greenroom"
DETAILS_KEY = "grpc-status-details-bin"

# Clients refuse headers over 8 KiB. The sentence is sent twice: percent-encoded, and in base64 inside the details.
_SENTENCE_BYTES = 600
_VALUE_BYTES = 200
_STATUS_BYTES = 3500

_log = structlog.get_logger(__name__)


class MalformedRequest(InvalidArgument):
    """The bytes of the request are not a message of the type that this method takes."""

    reason = "MALFORMED_REQUEST"


class Unimplemented(GreenroomError):
    """This server does not implement the method."""

    code = "UNIMPLEMENTED"
    reason = "METHOD_NOT_IMPLEMENTED"


class Internal(GreenroomError):
    """An internal error occurred; the server's log has details under trace {trace_id}."""


def to_status(error: GreenroomError) -> status_pb2.Status:
    """The error as a google.rpc.Status, shortened to fit into HTTP/2 headers."""
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


async def abort(context: Context, error: GreenroomError) -> None:
    """End the call with the error. Raises grpc.aio.AbortError, which callers must not catch."""
    status = to_status(error)
    # OpenTelemetry does not see abort_with_status and would record OK.
    await context.abort(grpc.StatusCode[error.code], status.message, ((DETAILS_KEY, status.SerializeToString()),))


class Errors(Layer):
    """Ends a failed call with a status.

    A GreenroomError reaches the caller unchanged. Any other exception is a bug: it is logged, and the caller gets one
    fixed sentence. Requests are decoded here too, because a decoding failure is an error of the caller.
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
    """The trace id, or a random id of the same form if no trace is recorded; it finds the log entry."""
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else secrets.token_hex(16)


def _clip(text: str, size: int) -> str:
    """The text, truncated with an ellipsis to `size` bytes of UTF-8; lone surrogates become question marks."""
    encoded = text.encode(errors="replace")
    return encoded.decode() if len(encoded) <= size else encoded[: size - 3].decode(errors="ignore") + "…"
