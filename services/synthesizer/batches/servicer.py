"""BatchService."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial

from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1 import batch_pb2_grpc
from services.synthesizer.batches import messages as convert
from services.synthesizer.batches.export import Export
from services.synthesizer.batches.messages import batch_message, result_message
from services.synthesizer.batches.model import Batch
from services.synthesizer.batches.operations import Batches
from services.synthesizer.batches.store import BatchStore
from services.synthesizer.conversations.messages import EventTails, Watched, conversation_state, joined
from shared.auth import caller
from shared.coalesce import Coalesced
from shared.rpc.cursors import encode_token
from shared.rpc.handlers import Context, ready
from shared.rpc.pages import after_number, before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.rpc.streams import HEARTBEAT_SECONDS, check_stream, watch
from shared.rpc.watching import read_cursor, until_over
from shared.waits import Waits

_WATCH = "batches.watch"


class BatchServicer(batch_pb2_grpc.BatchServiceServicer):
    """Answers for batches."""

    def __init__(self, batches: Batches, store: BatchStore, tails: EventTails, export: Export, waits: Waits) -> None:
        self._batches = batches
        self._store = store
        self._tails = tails
        self._export = export
        self._waits = waits
        self._endings = Coalesced[tuple[Batch, int] | None]()

    async def StartBatch(self, request: pb.StartBatchRequest, context: Context) -> pb.StartBatchResponse:
        key = request_key(request, "StartBatch")
        spec = convert.batch_spec(request.spec)
        batch = await self._batches.start(spec, caller(), create_only=request.create_only, key=key)
        return pb.StartBatchResponse(batch=batch_message(batch))

    async def EstimateBatch(self, request: pb.EstimateBatchRequest, context: Context) -> pb.EstimateBatchResponse:
        return convert.estimate_message(await self._batches.estimate(convert.batch_spec(request.spec), caller()))

    async def RunBatch(self, request: pb.RunBatchRequest, context: Context) -> pb.RunBatchResponse:
        batch = await self._batches.run(caller().company, request.name, request.first)
        return pb.RunBatchResponse(batch=batch_message(batch))

    async def GetBatch(self, request: pb.GetBatchRequest, context: Context) -> pb.GetBatchResponse:
        batch = await self._store.get(caller().company, request.name)
        return pb.GetBatchResponse(batch=batch_message(batch, self._waits.of(batch.id)))

    async def ListBatches(self, request: pb.ListBatchesRequest, context: Context) -> pb.ListBatchesResponse:
        page, which = read_page(request), convert.batch_filter(request)
        found = await self._store.page(caller().company, which, list_part(request, page))
        shown, token = cut([batch_message(one) for one in found.items], page, before)
        return pb.ListBatchesResponse(batches=shown, next_page_token=token, total_size=found.total)

    async def ListBatchResults(
        self, request: pb.ListBatchResultsRequest, context: Context
    ) -> pb.ListBatchResultsResponse:
        page, state = read_page(request), conversation_state(request.state)
        batch = await self._store.get(caller().company, request.batch)
        found = await self._store.conversations(batch, after_number(page, -1), page.size + 1, [state] if state else ())
        shown, token = cut([result_message(one) for one in found], page, lambda message: message.index)
        return pb.ListBatchResultsResponse(results=shown, next_page_token=token)

    async def WatchBatch(self, request: pb.WatchBatchRequest, context: Context) -> AsyncIterator[pb.WatchBatchResponse]:
        company, name = caller().company, request.name
        batch = await self._store.get(company, name)
        head = await self._store.head(batch)
        after = read_cursor(_WATCH, name, request.cursor, head)

        def message(watched: Sequence[Watched]) -> pb.WatchBatchResponse:
            rest = pb.WatchBatchResponse(cursor=_cursor(name, watched[-1].position))
            return ready(pb.WatchBatchResponse, joined(watched) + rest.SerializeToString())

        def heartbeat(newest: Watched | None) -> pb.WatchBatchResponse:
            return pb.WatchBatchResponse(cursor=_cursor(name, newest.position if newest else after))

        async def end() -> int | None:
            nonlocal batch, head
            # Each conversation that ends makes every watcher ask; one answer serves all of them.
            ending = await self._endings.ask(batch.id, partial(self._ending, batch))
            if ending is None:
                return None
            batch, head = ending
            return head

        followed = self._tails.follow_feed(batch.id, after)
        pages = until_over(followed, after, lambda watched: watched.position, end)
        async for response in watch(pages, message=message, heartbeat=heartbeat, size=lambda one: one.size):
            yield response
        # The state at the last event that was sent; a retry may have resumed the batch since.
        yield pb.WatchBatchResponse(cursor=_cursor(name, head), summary=batch_message(batch))

    async def _ending(self, batch: Batch) -> tuple[Batch, int] | None:
        """The batch and the position of its last event if it is over."""
        if not await self._store.is_over(batch):
            return None
        batch = await self._store.get(batch.company, batch.name)
        # Read the head last, so that the summary covers no event that was not sent.
        head = await self._store.head(batch)
        return (batch, head) if batch.state.over else None

    async def CancelBatch(self, request: pb.CancelBatchRequest, context: Context) -> pb.CancelBatchResponse:
        batch = await self._batches.cancel(caller().company, request.name, not_needed=request.not_needed)
        return pb.CancelBatchResponse(batch=batch_message(batch))

    async def RetryBatch(self, request: pb.RetryBatchRequest, context: Context) -> pb.RetryBatchResponse:
        batch = await self._batches.retry(caller().company, request.name)
        return pb.RetryBatchResponse(batch=batch_message(batch))

    async def DeleteBatch(self, request: pb.DeleteBatchRequest, context: Context) -> pb.DeleteBatchResponse:
        await self._batches.delete(caller().company, request.name)
        return pb.DeleteBatchResponse()

    async def ExportTranscripts(
        self, request: pb.ExportTranscriptsRequest, context: Context
    ) -> AsyncIterator[pb.ExportTranscriptsResponse]:
        batch = await self._store.get(caller().company, request.batch)
        exported = self._export.follow if request.follow else self._export.chunks
        clock = asyncio.get_running_loop().time
        # The first chunk without bytes is sent at once, so that a follower knows that there is nothing yet.
        spoke_at = clock() - HEARTBEAT_SECONDS
        async for chunk, cursor in exported(batch, request.cursor):
            check_stream()
            if chunk or clock() >= spoke_at + HEARTBEAT_SECONDS:
                spoke_at = clock()
                yield pb.ExportTranscriptsResponse(chunk=chunk, cursor=cursor)


def _cursor(name: str, position: int) -> str:
    return encode_token(_WATCH, name, position)
