"""TraceStreamService."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from greenroom.testdata.v1 import trace_call_pb2 as pb
from greenroom.testdata.v1 import trace_call_pb2_grpc
from services.testdata.streams.messages import parameters
from services.testdata.streams.operations import Source, Streams
from services.testdata.streams.sessions import check_fit, session
from services.testdata.traces.chunks import Chunk
from services.testdata.traces.digest import digest
from services.testdata.traces.errors import SessionOutOfRange
from services.testdata.traces.formats import Format
from services.testdata.traces.formats.limits import check_format
from services.testdata.traces.formats.wire import bytes_head
from services.testdata.traces.generation import ALGORITHM
from services.testdata.workflows.messages import source
from services.testdata.workflows.operations import Workflows
from shared.auth import caller
from shared.compute import Compute
from shared.rpc.cursors import decode_token, encode_token, malformed
from shared.rpc.handlers import Context, ready
from shared.rpc.streams import check_stream
from shared.rpc.values import enum_value

_KIND = "traces.stream"
_DATA = 2
"""The number of the field `data`."""
_MOST_BEGUN = 10_000
"""An upper bound of the calls in a session."""


class StreamServicer(trace_call_pb2_grpc.TraceStreamServiceServicer):
    """Answers calls about single sessions and streams of calls."""

    def __init__(self, workflows: Workflows, streams: Streams, compute: Compute) -> None:
        self._workflows = workflows
        self._streams = streams
        self._compute = compute

    async def GenerateSession(self, request: pb.GenerateSessionRequest, context: Context) -> pb.GenerateSessionResponse:
        chosen = parameters(request.parameters, "parameters")
        workflow = await self._workflows.resolve(caller().company, source(request.workflow), "workflow")
        check_fit(workflow, chosen, "parameters")
        calls = await session(self._compute, workflow, chosen, request.session or 1)
        return pb.GenerateSessionResponse.FromString(calls)

    async def StreamCalls(
        self, request: pb.StreamCallsRequest, context: Context
    ) -> AsyncIterator[pb.StreamCallsResponse]:
        chosen = parameters(request.parameters, "parameters")
        workflow = await self._workflows.resolve(caller().company, source(request.workflow), "workflow")
        check_fit(workflow, chosen, "parameters")
        form = Format[enum_value(pb.StreamCallsRequest.Format, "FORMAT", request.format)]
        check_format(form, chosen, "parameters")
        streamed = Source(workflow, chosen, form)
        outline = await self._streams.outline(streamed)
        first, last = _range(request, outline.session_count)
        scope = _scope(streamed, first, last)
        after, begun = _read(request.cursor, scope, first, last)
        chunks = self._streams.chunks(streamed, after + 1, last, outline.chunk_sessions, begun)
        async with aclosing(chunks):
            async for chunk in chunks:
                check_stream()
                tail = pb.StreamCallsResponse(
                    cursor=encode_token(_KIND, scope, [chunk.last_session, chunk.begun]),
                    call_count=chunk.call_count,
                    last_session=chunk.last_session,
                    session_count=outline.session_count,
                )
                yield ready(
                    pb.StreamCallsResponse,
                    b"".join((_head(chunk, streamed.format), chunk.data, tail.SerializeToString())),
                )


def _range(request: pb.StreamCallsRequest, session_count: int) -> tuple[int, int]:
    """The first and the last requested session. Raises SessionOutOfRange."""
    first = request.sessions.first or 1
    last = first + request.sessions.count - 1 if request.sessions.count else max(first, session_count)
    if last > session_count:
        raise SessionOutOfRange(session=f"{last:,}", count=f"{session_count:,}")
    return first, last


def _scope(streamed: Source, first: int, last: int) -> str:
    """Everything that must not change before a stream is continued, such as the workflow."""
    return f"{digest(streamed.workflow)} {streamed.parameters} {ALGORITHM} {streamed.format} {first} {last}"


def _read(cursor: str, scope: str, first: int, last: int) -> tuple[int, int]:
    """The last session that the reader has, and the number of calls it has of the next one.

    Raises CursorMalformed, CursorForeign, CursorExpired.
    """
    if not cursor:
        return first - 1, 0
    match decode_token(_KIND, scope, cursor):
        case [bool(), _] | [_, bool()]:  # a bool is an int in Python
            pass
        case [int(after), int(begun)] if first - 1 <= after <= last and 0 <= begun < _MOST_BEGUN:
            return after, begun
    raise malformed("cursor")


def _head(chunk: Chunk, form: Format) -> bytes:
    """The tag and length that make a chunk's bytes a field; empty for rows, which are fields already."""
    return b"" if form is Format.ROWS else bytes_head(_DATA, len(chunk.data))
