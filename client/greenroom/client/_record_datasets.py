"""Datasets of records: generated records in files."""

from greenroom.client._calls import Calls, Link, new_request_id
from greenroom.client._listing import Listing
from greenroom.client._watch import Watch, is_last
from greenroom.testdata.v1 import record_dataset_pb2 as pb
from greenroom.testdata.v1.record_dataset_pb2_grpc import RecordDatasetServiceStub


class RecordDatasets:
    """The calls of RecordDatasetService. Names are `record_datasets/{dataset}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = RecordDatasetServiceStub(calls.channel)

    async def start(self, spec: pb.RecordDatasetSpec, *, request_id: str | None = None) -> pb.RecordDataset:
        """Start to write a dataset."""
        request = pb.StartRecordDatasetRequest(spec=spec, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.StartRecordDataset, request)).dataset

    async def get(self, name: str) -> pb.RecordDataset:
        """One dataset."""
        request = pb.GetRecordDatasetRequest(name=name)
        return (await self._calls.unary(self._stub.GetRecordDataset, request)).dataset

    def list(
        self, *, state: pb.RecordDataset.State.ValueType = pb.RecordDataset.STATE_UNSPECIFIED, short_id: str = ""
    ) -> Listing[pb.RecordDataset]:
        """The datasets, newest first, without their checks. short_id: only those whose id begins or ends with it."""
        request = pb.ListRecordDatasetsRequest(state=state, short_id=short_id)
        return self._calls.listing(self._stub.ListRecordDatasets, request, lambda page: page.datasets)

    def watch(self, name: str, *, cursor: str = "") -> Watch[pb.RecordDatasetPart, pb.RecordDataset]:
        """The parts as they are written, from the first or after a cursor, until the dataset is over."""
        request = pb.WatchRecordDatasetRequest(name=name, cursor=cursor)
        link = Link()
        messages = self._calls.resumed(self._stub.WatchRecordDataset, request, is_last=is_last, link=link)
        return Watch(messages, lambda message: message.parts, cursor, link)

    async def cancel(self, name: str) -> pb.RecordDataset:
        """Stop the writing; the parts that are written stay."""
        request = pb.CancelRecordDatasetRequest(name=name)
        return (await self._calls.unary(self._stub.CancelRecordDataset, request)).dataset

    async def retry(self, name: str) -> pb.RecordDataset:
        """Continue a failed dataset with its first missing part."""
        request = pb.RetryRecordDatasetRequest(name=name)
        return (await self._calls.unary(self._stub.RetryRecordDataset, request)).dataset

    async def delete(self, name: str) -> None:
        """Delete the record of a dataset that is over; its files stay."""
        request = pb.DeleteRecordDatasetRequest(name=name)
        await self._calls.unary(self._stub.DeleteRecordDataset, request, again=False)
