"""The calls of TraceService about datasets."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from greenroom.testdata.v1 import trace_pb2_grpc
from services.testdata.api.convert.datasets import (
    DatasetTails,
    WatchedDataset,
    dataset_message,
    dataset_request,
    dataset_state,
)
from services.testdata.traces.datasets.lifecycle import Datasets
from services.testdata.traces.datasets.ports import DatasetStore
from shared.auth import caller
from shared.rpc.cursors import encode_token
from shared.rpc.handlers import Context
from shared.rpc.pages import after_id, cut
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.rpc.streams import watch
from shared.rpc.watching import read_cursor, until_over

_WATCH = "datasets.watch"


class DatasetCalls(trace_pb2_grpc.TraceServiceServicer):
    """Answers for datasets."""

    _datasets: Datasets
    _dataset_store: DatasetStore
    _dataset_tails: DatasetTails

    async def StartDataset(self, request: pb.StartDatasetRequest, context: Context) -> pb.StartDatasetResponse:
        key = request_key(request, "StartDataset")
        dataset = await self._datasets.start(dataset_request(request.spec), caller(), key)
        return pb.StartDatasetResponse(dataset=dataset_message(dataset))

    async def GetDataset(self, request: pb.GetDatasetRequest, context: Context) -> pb.GetDatasetResponse:
        dataset = await self._dataset_store.get(caller().company, request.name)
        return pb.GetDatasetResponse(dataset=dataset_message(dataset))

    async def ListDatasets(self, request: pb.ListDatasetsRequest, context: Context) -> pb.ListDatasetsResponse:
        page, state = read_page(request), dataset_state(request.state)
        found = await self._dataset_store.page(caller().company, state, after_id(page), page.size + 1)
        messages = [dataset_message(one) for one in found]
        shown, token = cut(messages, page, lambda message: message.name.removeprefix("datasets/"))
        return pb.ListDatasetsResponse(datasets=shown, next_page_token=token)

    async def WatchDataset(
        self, request: pb.WatchDatasetRequest, context: Context
    ) -> AsyncIterator[pb.WatchDatasetResponse]:
        company, name = caller().company, request.name
        dataset = await self._dataset_store.get(company, name)
        after = read_cursor(_WATCH, name, request.cursor, dataset.next_seq - 1)

        def message(watched: Sequence[WatchedDataset]) -> pb.WatchDatasetResponse:
            parts = [one.part for one in watched if one.part is not None]
            return pb.WatchDatasetResponse(parts=parts, cursor=_cursor(name, watched[-1].seq))

        def heartbeat(newest: WatchedDataset | None) -> pb.WatchDatasetResponse:
            return pb.WatchDatasetResponse(cursor=_cursor(name, newest.seq if newest else after))

        async def end() -> int | None:
            nonlocal dataset
            dataset = await self._dataset_store.get(company, name)
            return dataset.next_seq - 1 if dataset.state.over else None

        followed = self._dataset_tails.follow_stream(dataset.id, after)
        pages = _parts(until_over(followed, after, lambda watched: watched.seq, end))
        async for response in watch(pages, message=message, heartbeat=heartbeat, size=lambda one: one.size):
            yield response
        # As it was found when its last event was sent: by now it may be under way again.
        yield pb.WatchDatasetResponse(cursor=_cursor(name, dataset.next_seq - 1), summary=dataset_message(dataset))

    async def CancelDataset(self, request: pb.CancelDatasetRequest, context: Context) -> pb.CancelDatasetResponse:
        dataset = await self._datasets.cancel(caller().company, request.name)
        return pb.CancelDatasetResponse(dataset=dataset_message(dataset))

    async def RetryDataset(self, request: pb.RetryDatasetRequest, context: Context) -> pb.RetryDatasetResponse:
        dataset = await self._datasets.retry(caller().company, request.name)
        return pb.RetryDatasetResponse(dataset=dataset_message(dataset))

    async def DeleteDataset(self, request: pb.DeleteDatasetRequest, context: Context) -> pb.DeleteDatasetResponse:
        await self._datasets.delete(caller().company, request.name)
        return pb.DeleteDatasetResponse()


async def _parts(
    pages: AsyncGenerator[Sequence[WatchedDataset], None],
) -> AsyncGenerator[Sequence[WatchedDataset], None]:
    """The pages with nothing but parts; how a dataset began and ended is in its state."""
    try:
        async for page in pages:
            if parts := [watched for watched in page if watched.part is not None]:
                yield parts
    finally:
        await pages.aclose()


def _cursor(name: str, seq: int) -> str:
    return encode_token(_WATCH, name, seq)
