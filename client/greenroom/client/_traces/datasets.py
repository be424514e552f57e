"""Datasets: generated calls in files."""

from greenroom.client._calls import Calls, Link, new_request_id
from greenroom.client._listing import Listing
from greenroom.client._watch import Watch, is_last
from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from greenroom.testdata.v1.trace_dataset_pb2_grpc import TraceDatasetServiceStub


class TraceDatasets:
    """The calls of TraceDatasetService. Names are `datasets/{dataset}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = TraceDatasetServiceStub(calls.channel)

    async def start(self, spec: pb.DatasetSpec, *, request_id: str | None = None) -> pb.Dataset:
        """Start to write a dataset."""
        request = pb.StartDatasetRequest(spec=spec, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.StartDataset, request)).dataset

    async def get(self, name: str) -> pb.Dataset:
        """One dataset."""
        return (await self._calls.unary(self._stub.GetDataset, pb.GetDatasetRequest(name=name))).dataset

    def list(
        self, *, state: pb.Dataset.State.ValueType = pb.Dataset.STATE_UNSPECIFIED, short_id: str = ""
    ) -> Listing[pb.Dataset]:
        """The datasets, newest first, without the chains of their workflows.

        short_id: only those whose id begins or ends with it.
        """
        return self._calls.listing(
            self._stub.ListDatasets, pb.ListDatasetsRequest(state=state, short_id=short_id), lambda page: page.datasets
        )

    def watch(self, name: str, *, cursor: str = "") -> Watch[pb.DatasetPart, pb.Dataset]:
        """The parts as they are written, from the first or after a cursor, until the dataset is over."""
        request = pb.WatchDatasetRequest(name=name, cursor=cursor)
        link = Link()
        messages = self._calls.resumed(self._stub.WatchDataset, request, is_last=is_last, link=link)
        return Watch(messages, lambda message: message.parts, cursor, link)

    async def cancel(self, name: str) -> pb.Dataset:
        """Stop the writing; the parts that are written stay."""
        return (await self._calls.unary(self._stub.CancelDataset, pb.CancelDatasetRequest(name=name))).dataset

    async def retry(self, name: str) -> pb.Dataset:
        """Continue a failed dataset with its first missing part."""
        return (await self._calls.unary(self._stub.RetryDataset, pb.RetryDatasetRequest(name=name))).dataset

    async def delete(self, name: str) -> None:
        """Delete the record of a dataset that is over; its files stay."""
        await self._calls.unary(self._stub.DeleteDataset, pb.DeleteDatasetRequest(name=name), again=False)
