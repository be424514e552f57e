"""TraceLearningService."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from greenroom.testdata.v1 import trace_learning_pb2 as pb
from greenroom.testdata.v1 import trace_learning_pb2_grpc
from services.testdata.learnings import messages as convert
from services.testdata.learnings.errors import ExportMissing
from services.testdata.learnings.messages import learning_message
from services.testdata.learnings.model import Learning
from services.testdata.learnings.operations import Learnings
from services.testdata.learnings.store import LearningStore
from shared.auth import caller
from shared.rpc.cursors import CursorExpired, decode_token, encode_token, number
from shared.rpc.handlers import Context
from shared.rpc.requests import request_key
from shared.rpc.streams import check_stream
from shared.rpc.uploads import read_chunks, read_header
from shared.work.calls import WorkCalls

_EXPORT = "learnings.export"
_CHUNK = 1 << 20


class LearningServicer(trace_learning_pb2_grpc.TraceLearningServiceServicer):
    """Answers calls about learnings."""

    def __init__(self, learnings: Learnings, store: LearningStore, calls: WorkCalls[Learning]) -> None:
        self._learnings = learnings
        self._store = store
        self._calls = calls

    async def LearnWorkflow(
        self, request_iterator: AsyncIterator[pb.LearnWorkflowRequest], context: Context
    ) -> pb.LearnWorkflowResponse:
        header = await read_header(request_iterator)
        log_format, name = convert.log_format(header.format), convert.workflow_name(header.workflow_name)
        learning = await self._learnings.learn(
            read_chunks(request_iterator), log_format, header.file or "that came", name, caller()
        )
        message, yaml = await asyncio.to_thread(convert.whole, learning)
        return pb.LearnWorkflowResponse(learning=message, yaml=yaml)

    async def StartLearning(self, request: pb.StartLearningRequest, context: Context) -> pb.StartLearningResponse:
        key = request_key(request, "StartLearning")
        started = await self._learnings.start(convert.learning_spec(request.spec), caller(), key)
        return pb.StartLearningResponse(learning=learning_message(started))

    async def GetLearning(self, request: pb.GetLearningRequest, context: Context) -> pb.GetLearningResponse:
        learning = await self._store.get(caller().company, request.name)
        message, yaml = await asyncio.to_thread(convert.whole, learning)
        return pb.GetLearningResponse(learning=message, yaml=yaml)

    async def ListLearnings(self, request: pb.ListLearningsRequest, context: Context) -> pb.ListLearningsResponse:
        shown, token, total = await self._calls.page(request, convert.learning_state(request.state), learning_message)
        return pb.ListLearningsResponse(learnings=shown, next_page_token=token, total_size=total)

    def WatchLearning(
        self, request: pb.WatchLearningRequest, context: Context
    ) -> AsyncIterator[pb.WatchLearningResponse]:
        return self._calls.watch(request, pb.WatchLearningResponse, "progress", lambda work: convert.whole(work)[0])

    async def CancelLearning(self, request: pb.CancelLearningRequest, context: Context) -> pb.CancelLearningResponse:
        learning = await self._learnings.works.cancel(caller().company, request.name)
        return pb.CancelLearningResponse(learning=learning_message(learning))

    async def RetryLearning(self, request: pb.RetryLearningRequest, context: Context) -> pb.RetryLearningResponse:
        learning = await self._learnings.works.retry(caller().company, request.name)
        return pb.RetryLearningResponse(learning=learning_message(learning))

    async def DeleteLearning(self, request: pb.DeleteLearningRequest, context: Context) -> pb.DeleteLearningResponse:
        await self._learnings.delete(caller().company, request.name)
        return pb.DeleteLearningResponse()

    async def ExportLearning(
        self, request: pb.ExportLearningRequest, context: Context
    ) -> AsyncIterator[pb.ExportLearningResponse]:
        path = await self._learnings.export(caller().company, request.name, convert.export(request.kind))
        scope = f"{request.name} {request.kind}"
        after = number(decode_token(_EXPORT, scope, request.cursor), field="cursor") if request.cursor else 0
        async for index, chunk in _file_chunks(path, after, request.name):
            check_stream()
            yield pb.ExportLearningResponse(chunk=chunk, cursor=encode_token(_EXPORT, scope, index))


async def _file_chunks(path: Path, after: int, name: str) -> AsyncIterator[tuple[int, bytes]]:
    """A file's chunks after the first `after`, each with its number from 1. Raises ExportMissing, CursorExpired."""
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
