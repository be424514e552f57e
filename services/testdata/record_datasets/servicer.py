"""RecordDatasetService."""

from collections.abc import AsyncIterator

from greenroom.testdata.v1 import record_dataset_pb2 as pb
from greenroom.testdata.v1 import record_dataset_pb2_grpc
from services.testdata.record_datasets.messages import dataset_message, dataset_request, dataset_state
from services.testdata.record_datasets.model import RecordDataset
from services.testdata.record_datasets.operations import RecordDatasets
from services.testdata.record_datasets.store import RecordDatasetStore
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.requests import request_key
from shared.work.calls import WorkCalls


class RecordDatasetServicer(record_dataset_pb2_grpc.RecordDatasetServiceServicer):
    """Answers calls about datasets of records."""

    def __init__(self, datasets: RecordDatasets, store: RecordDatasetStore, calls: WorkCalls[RecordDataset]) -> None:
        self._datasets = datasets
        self._store = store
        self._calls = calls

    async def StartRecordDataset(
        self, request: pb.StartRecordDatasetRequest, context: Context
    ) -> pb.StartRecordDatasetResponse:
        key = request_key(request, "StartRecordDataset")
        dataset = await self._datasets.start(dataset_request(request.spec), caller(), key)
        return pb.StartRecordDatasetResponse(dataset=dataset_message(dataset))

    async def GetRecordDataset(
        self, request: pb.GetRecordDatasetRequest, context: Context
    ) -> pb.GetRecordDatasetResponse:
        dataset = await self._store.get(caller().company, request.name)
        return pb.GetRecordDatasetResponse(dataset=dataset_message(dataset))

    async def ListRecordDatasets(
        self, request: pb.ListRecordDatasetsRequest, context: Context
    ) -> pb.ListRecordDatasetsResponse:
        shown, token, total = await self._calls.page(request, dataset_state(request.state), dataset_message)
        return pb.ListRecordDatasetsResponse(datasets=shown, next_page_token=token, total_size=total)

    def WatchRecordDataset(
        self, request: pb.WatchRecordDatasetRequest, context: Context
    ) -> AsyncIterator[pb.WatchRecordDatasetResponse]:
        return self._calls.watch(request, pb.WatchRecordDatasetResponse, "parts", dataset_message)

    async def CancelRecordDataset(
        self, request: pb.CancelRecordDatasetRequest, context: Context
    ) -> pb.CancelRecordDatasetResponse:
        dataset = await self._datasets.works.cancel(caller().company, request.name)
        return pb.CancelRecordDatasetResponse(dataset=dataset_message(dataset))

    async def RetryRecordDataset(
        self, request: pb.RetryRecordDatasetRequest, context: Context
    ) -> pb.RetryRecordDatasetResponse:
        dataset = await self._datasets.works.retry(caller().company, request.name)
        return pb.RetryRecordDatasetResponse(dataset=dataset_message(dataset))

    async def DeleteRecordDataset(
        self, request: pb.DeleteRecordDatasetRequest, context: Context
    ) -> pb.DeleteRecordDatasetResponse:
        await self._datasets.works.delete(caller().company, request.name)
        return pb.DeleteRecordDatasetResponse()
