"""The calls of TraceService about learnings."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from greenroom.testdata.v1 import trace_learning_pb2 as pb
from greenroom.testdata.v1 import trace_pb2_grpc
from services.testdata.api.convert import learning as convert
from services.testdata.api.convert.learning import learning_message
from services.testdata.traces.learning.documents import read_progress
from services.testdata.traces.learning.errors import ExportMissing, HeaderExpected, HeaderRepeated
from services.testdata.traces.learning.lifecycle import Learnings
from shared.auth import caller
from shared.db.eventlog import StoredEvent
from shared.db.tails import Tails
from shared.rpc.cursors import CursorExpired, decode_token, encode_token, number
from shared.rpc.handlers import Context
from shared.rpc.pages import after_id, cut
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.rpc.streams import watch
from shared.rpc.watching import read_cursor, until_over

_WATCH = "learnings.watch"
_EXPORT = "learnings.export"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Noted:
    """An event of a learning, encoded once for all its watchers; message is None when it ends the learning."""

    seq: int
    message: pb.LearningProgress | None

    @property
    def ends(self) -> bool:
        """Whether it ends the learning."""
        return self.message is None


def encode(stored: StoredEvent) -> Noted:
    """What watchers get for a stored event."""
    progress = read_progress(stored.payload)
    return Noted(stored.seq, None if progress is None else convert.progress_message(progress))


LearningTails = Tails[Noted]


class LearningCalls(trace_pb2_grpc.TraceServiceServicer):
    """Answers for learnings."""

    _learnings: Learnings
    _learning_tails: LearningTails

    async def LearnWorkflow(
        self, request_iterator: AsyncIterator[pb.LearnWorkflowRequest], context: Context
    ) -> pb.LearnWorkflowResponse:
        first = await anext(request_iterator, None)
        if first is None or first.WhichOneof("content") != "header":
            raise HeaderExpected
        header, chunks = first.header, _chunks(request_iterator)
        log_format, name = convert.log_format(header.format), convert.workflow_name(header.workflow_name)
        learning = await self._learnings.learn(chunks, log_format, header.file or "that came", name, caller())
        message, yaml = await convert.whole(learning)
        return pb.LearnWorkflowResponse(learning=message, yaml=yaml)

    async def StartLearning(self, request: pb.StartLearningRequest, context: Context) -> pb.StartLearningResponse:
        key = request_key(request, "StartLearning")
        started = await self._learnings.start(convert.learning_spec(request.spec), caller(), key)
        return pb.StartLearningResponse(learning=learning_message(started))

    async def GetLearning(self, request: pb.GetLearningRequest, context: Context) -> pb.GetLearningResponse:
        learning = await self._learnings.get(caller().company, request.name)
        message, yaml = await convert.whole(learning)
        return pb.GetLearningResponse(learning=message, yaml=yaml)

    async def ListLearnings(self, request: pb.ListLearningsRequest, context: Context) -> pb.ListLearningsResponse:
        page, state = read_page(request), convert.learning_state(request.state)
        found = await self._learnings.page(caller().company, state, after_id(page), page.size + 1)
        messages = [learning_message(one) for one in found]
        shown, token = cut(messages, page, lambda message: message.name.removeprefix("learnings/"))
        return pb.ListLearningsResponse(learnings=shown, next_page_token=token)

    async def WatchLearning(
        self, request: pb.WatchLearningRequest, context: Context
    ) -> AsyncIterator[pb.WatchLearningResponse]:
        company, name = caller().company, request.name
        learning = await self._learnings.get(company, name)
        after = read_cursor(_WATCH, name, request.cursor, learning.next_seq - 1)

        def message(watched: Sequence[Noted]) -> pb.WatchLearningResponse:
            progress = [one.message for one in watched if one.message is not None]
            return pb.WatchLearningResponse(progress=progress, cursor=_cursor(name, watched[-1].seq))

        def heartbeat(newest: Noted | None) -> pb.WatchLearningResponse:
            return pb.WatchLearningResponse(cursor=_cursor(name, newest.seq if newest else after))

        async def end() -> int | None:
            nonlocal learning
            learning = await self._learnings.get(company, name)
            return learning.next_seq - 1 if learning.state.over else None

        followed = self._learning_tails.follow_stream(learning.id, after)
        pages = until_over(followed, after, lambda watched: watched.seq, end)
        async for response in watch(pages, message=message, heartbeat=heartbeat, size=_size):
            yield response
        summary, _ = await convert.whole(learning)
        yield pb.WatchLearningResponse(cursor=_cursor(name, learning.next_seq - 1), summary=summary)

    async def CancelLearning(self, request: pb.CancelLearningRequest, context: Context) -> pb.CancelLearningResponse:
        learning = await self._learnings.cancel(caller().company, request.name)
        return pb.CancelLearningResponse(learning=learning_message(learning))

    async def DeleteLearning(self, request: pb.DeleteLearningRequest, context: Context) -> pb.DeleteLearningResponse:
        await self._learnings.delete(caller().company, request.name)
        return pb.DeleteLearningResponse()

    async def ExportLearning(
        self, request: pb.ExportLearningRequest, context: Context
    ) -> AsyncIterator[pb.ExportLearningResponse]:
        path = await self._learnings.export(caller().company, request.name, convert.export(request.kind))
        scope = f"{request.name} {request.kind}"
        after = number(decode_token(_EXPORT, scope, request.cursor), field="cursor") if request.cursor else 0
        async for place, chunk in _file_chunks(path, after, request.name):
            yield pb.ExportLearningResponse(chunk=chunk, cursor=encode_token(_EXPORT, scope, place))


async def _chunks(requests: AsyncIterator[pb.LearnWorkflowRequest]) -> AsyncIterator[bytes]:
    """The bytes behind the header. Raises HeaderRepeated."""
    async for request in requests:
        if request.WhichOneof("content") == "header":
            raise HeaderRepeated
        yield request.chunk


async def _file_chunks(path: Path, after: int, name: str) -> AsyncIterator[tuple[int, bytes]]:
    """A file's chunks behind so many, each with its number from 1. Raises ExportMissing, CursorExpired."""
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except FileNotFoundError as error:
        raise ExportMissing(name=name) from error
    with file:
        if after and await asyncio.to_thread(lambda: path.stat().st_size) <= (after - 1) * _CHUNK:
            raise CursorExpired
        await asyncio.to_thread(file.seek, after * _CHUNK)
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            after += 1
            yield after, chunk


def _size(noted: Noted) -> int:
    return 0 if noted.message is None else noted.message.ByteSize()


def _cursor(name: str, seq: int) -> str:
    return encode_token(_WATCH, name, seq)
