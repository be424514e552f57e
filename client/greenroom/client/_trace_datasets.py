"""Datasets: generated calls in files."""

from collections.abc import AsyncIterator

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._watch import Watch, is_last
from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from greenroom.testdata.v1.trace_pb2_grpc import TraceServiceStub


class TraceDatasets:
    """The calls of TraceService about datasets. Names are `datasets/{dataset}`."""

    def __init__(self, calls: Calls, stub: TraceServiceStub) -> None:
        self._calls = calls
        self._stub = stub

    async def start(self, spec: pb.DatasetSpec, *, request_id: str | None = None) -> pb.Dataset:
        """Let a dataset be written."""
        request = pb.StartDatasetRequest(spec=spec, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.StartDataset, request)).dataset

    async def get(self, name: str) -> pb.Dataset:
        """One dataset."""
        return (await self._calls.unary(self._stub.GetDataset, pb.GetDatasetRequest(name=name))).dataset

    def list(self, *, state: pb.Dataset.State.ValueType = pb.Dataset.STATE_UNSPECIFIED) -> AsyncIterator[pb.Dataset]:
        """The datasets, oldest first, without the chains of their workflows."""
        return self._calls.pages(
            self._stub.ListDatasets, pb.ListDatasetsRequest(state=state), lambda page: page.datasets
        )

    def watch(self, name: str, *, cursor: str = "") -> Watch[pb.DatasetPart, pb.Dataset]:
        """The parts as they are written, from the first or after a cursor, until the dataset is over."""
        request = pb.WatchDatasetRequest(name=name, cursor=cursor)
        messages = self._calls.resumed(self._stub.WatchDataset, request, is_last=is_last)
        return Watch(messages, lambda message: message.parts, cursor)

    async def cancel(self, name: str) -> pb.Dataset:
        """Stop the writing; the parts written so far are left."""
        return (await self._calls.unary(self._stub.CancelDataset, pb.CancelDatasetRequest(name=name))).dataset

    async def retry(self, name: str) -> pb.Dataset:
        """Let a failed dataset go on with its first missing part."""
        return (await self._calls.unary(self._stub.RetryDataset, pb.RetryDatasetRequest(name=name))).dataset

    async def delete(self, name: str) -> None:
        """Remove what is known of a dataset that is over; its files are left."""
        await self._calls.unary(self._stub.DeleteDataset, pb.DeleteDatasetRequest(name=name), again=False)
