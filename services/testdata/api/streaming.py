"""The call of TraceService that streams calls."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from greenroom.testdata.v1 import trace_call_pb2 as pb
from greenroom.testdata.v1 import trace_pb2_grpc
from services.testdata.api.convert.parameters import parameters
from services.testdata.api.convert.workflow import source
from services.testdata.traces.chunks import Chunk
from services.testdata.traces.digest import digest
from services.testdata.traces.errors import SessionOutOfRange
from services.testdata.traces.formats import Format
from services.testdata.traces.formats.limits import check_format
from services.testdata.traces.formats.wire import bytes_head
from services.testdata.traces.generation import ALGORITHM
from services.testdata.traces.sessions import check_fit
from services.testdata.traces.streams import Source, Streams
from services.testdata.traces.workflows import Workflows
from shared.auth import caller
from shared.rpc.cursors import decode_token, encode_token, malformed
from shared.rpc.handlers import Context, ready
from shared.rpc.streams import stop_if_draining
from shared.rpc.values import enum_value

_KIND = "traces.stream"
_DATA = 2
"""The number of the field `data`."""
_MOST_BEGUN = 10_000
"""More calls than a session has."""


class StreamingCalls(trace_pb2_grpc.TraceServiceServicer):
    """Answers for streams of calls."""

    _workflows: Workflows
    _streams: Streams

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
                stop_if_draining()
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
    """The first and the last session that are asked for. Raises SessionOutOfRange for one that there is not."""
    first = request.sessions.first or 1
    last = first + request.sessions.count - 1 if request.sessions.count else max(first, session_count)
    if last > session_count:
        raise SessionOutOfRange(session=f"{last:,}", count=f"{session_count:,}")
    return first, last


def _scope(streamed: Source, first: int, last: int) -> str:
    """All that must be the same for a stream to go on: a workflow that was changed meanwhile is another."""
    return f"{digest(streamed.workflow)} {streamed.parameters} {ALGORITHM} {streamed.format} {first} {last}"


def _read(cursor: str, scope: str, first: int, last: int) -> tuple[int, int]:
    """The last session that the reader has, and how many calls it has of the next one.

    Raises CursorMalformed, CursorForeign, CursorExpired.
    """
    if not cursor:
        return first - 1, 0
    match decode_token(_KIND, scope, cursor):
        case [int(after), int(begun)] if first - 1 <= after <= last and 0 <= begun < _MOST_BEGUN:
            return after, begun
    raise malformed("cursor")


def _head(chunk: Chunk, form: Format) -> bytes:
    """What comes before a chunk's bytes to make them a field; nothing for rows, which are fields."""
    return b"" if form is Format.ROWS else bytes_head(_DATA, len(chunk.data))
