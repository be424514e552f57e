"""TraceDatasetService."""

from collections.abc import AsyncIterator

from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from greenroom.testdata.v1 import trace_dataset_pb2_grpc
from services.testdata.datasets.messages import dataset_message, dataset_request, dataset_state
from services.testdata.datasets.model import Dataset
from services.testdata.datasets.operations import Datasets
from services.testdata.datasets.store import DatasetStore
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.requests import request_key
from shared.work.calls import WorkCalls


class DatasetServicer(trace_dataset_pb2_grpc.TraceDatasetServiceServicer):
    """Answers calls about datasets."""

    def __init__(self, datasets: Datasets, store: DatasetStore, calls: WorkCalls[Dataset]) -> None:
        self._datasets = datasets
        self._store = store
        self._calls = calls

    async def StartDataset(self, request: pb.StartDatasetRequest, context: Context) -> pb.StartDatasetResponse:
        key = request_key(request, "StartDataset")
        dataset = await self._datasets.start(dataset_request(request.spec), caller(), key)
        return pb.StartDatasetResponse(dataset=dataset_message(dataset))

    async def GetDataset(self, request: pb.GetDatasetRequest, context: Context) -> pb.GetDatasetResponse:
        dataset = await self._store.get(caller().company, request.name)
        return pb.GetDatasetResponse(dataset=dataset_message(dataset))

    async def ListDatasets(self, request: pb.ListDatasetsRequest, context: Context) -> pb.ListDatasetsResponse:
        shown, token, total = await self._calls.page(request, dataset_state(request.state), dataset_message)
        return pb.ListDatasetsResponse(datasets=shown, next_page_token=token, total_size=total)

    def WatchDataset(self, request: pb.WatchDatasetRequest, context: Context) -> AsyncIterator[pb.WatchDatasetResponse]:
        return self._calls.watch(request, pb.WatchDatasetResponse, "parts", dataset_message)

    async def CancelDataset(self, request: pb.CancelDatasetRequest, context: Context) -> pb.CancelDatasetResponse:
        dataset = await self._datasets.works.cancel(caller().company, request.name)
        return pb.CancelDatasetResponse(dataset=dataset_message(dataset))

    async def RetryDataset(self, request: pb.RetryDatasetRequest, context: Context) -> pb.RetryDatasetResponse:
        dataset = await self._datasets.works.retry(caller().company, request.name)
        return pb.RetryDatasetResponse(dataset=dataset_message(dataset))

    async def DeleteDataset(self, request: pb.DeleteDatasetRequest, context: Context) -> pb.DeleteDatasetResponse:
        await self._datasets.works.delete(caller().company, request.name)
        return pb.DeleteDatasetResponse()
