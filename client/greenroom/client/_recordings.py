"""Recordings: what models were asked and answered."""

from collections.abc import AsyncGenerator
from pathlib import Path

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._files import upload
from greenroom.client._listing import Listing
from greenroom.synthesizer.v1 import recording_pb2 as pb
from greenroom.synthesizer.v1.import_pb2 import ImportHeader, ImportSummary
from greenroom.synthesizer.v1.recording_pb2_grpc import RecordingServiceStub


class Recordings:
    """The calls of RecordingService. Names are `recordings/{recording}`; batches are `batches/{batch}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = RecordingServiceStub(calls.channel)

    async def get(self, name: str) -> pb.GetRecordingResponse:
        """One recording, with its request and answer as JSON."""
        return await self._calls.unary(self._stub.GetRecording, pb.GetRecordingRequest(name=name))

    def list(self, *, batch: str = "", short_id: str = "") -> Listing[pb.Recording]:
        """The recordings of a batch, or all, newest first; without requests and answers."""
        request = pb.ListRecordingsRequest(filter=pb.RecordingFilter(batch=batch), short_id=short_id)
        return self._calls.listing(self._stub.ListRecordings, request, lambda page: page.recordings)

    def export(self, *, batch: str = "", cursor: str = "") -> AsyncGenerator[pb.ExportRecordingsResponse, None]:
        """The recordings of a batch, or all, as JSONL in chunks, each with the cursor that continues after it."""
        request = pb.ExportRecordingsRequest(filter=pb.RecordingFilter(batch=batch), cursor=cursor)
        return self._calls.resumed(self._stub.ExportRecordings, request)

    async def import_file(self, path: str | Path, *, request_id: str | None = None) -> ImportSummary:
        """Import recordings from a file, decompressed if it ends in `.gz`; bad lines are in the summary."""
        header = ImportHeader(format="greenroom", file=Path(path).name, request_id=request_id or new_request_id())
        method, message = self._stub.ImportRecordings, pb.ImportRecordingsRequest
        return (await upload(self._calls, method, message, Path(path), header)).summary

    async def delete(self, batch: str) -> int:
        """Delete the recordings of a batch, for good; returns how many there were."""
        request = pb.DeleteRecordingsRequest(batch=batch)
        return (await self._calls.unary(self._stub.DeleteRecordings, request, again=False)).deleted
