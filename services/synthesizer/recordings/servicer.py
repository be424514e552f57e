"""RecordingService."""

from collections.abc import AsyncIterator

from greenroom.synthesizer.v1 import recording_pb2 as pb
from greenroom.synthesizer.v1 import recording_pb2_grpc
from services.synthesizer.imports.messages import read_header, summary_message
from services.synthesizer.recordings.documents import unpack
from services.synthesizer.recordings.files import RecordingFiles
from services.synthesizer.recordings.messages import recording_filter, recording_message, recording_response
from services.synthesizer.recordings.store import RecordingStore
from shared.auth import caller
from shared.errors import InvalidArgument, Violation
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.streams import check_stream
from shared.rpc.uploads import read_chunks


class RecordingServicer(recording_pb2_grpc.RecordingServiceServicer):
    """Serves RecordingService."""

    def __init__(self, recordings: RecordingStore, files: RecordingFiles) -> None:
        self._recordings = recordings
        self._files = files

    async def GetRecording(self, request: pb.GetRecordingRequest, context: Context) -> pb.GetRecordingResponse:
        return recording_response(await self._recordings.get(caller().company, request.name))

    async def ListRecordings(self, request: pb.ListRecordingsRequest, context: Context) -> pb.ListRecordingsResponse:
        page = read_page(request)
        which = recording_filter(request.filter)
        found = await self._recordings.page(caller().company, which, list_part(request, page))
        messages = [recording_message(one, unpack(one.document)[1]) for one in found.items]
        shown, token = cut(messages, page, before)
        return pb.ListRecordingsResponse(recordings=shown, next_page_token=token, total_size=found.total)

    async def ExportRecordings(
        self, request: pb.ExportRecordingsRequest, context: Context
    ) -> AsyncIterator[pb.ExportRecordingsResponse]:
        which = recording_filter(request.filter)
        async for chunk, cursor in self._files.export(caller().company, which, request.cursor):
            check_stream()
            yield pb.ExportRecordingsResponse(chunk=chunk, cursor=cursor)

    async def ImportRecordings(
        self, request_iterator: AsyncIterator[pb.ImportRecordingsRequest], context: Context
    ) -> pb.ImportRecordingsResponse:
        header = await read_header(request_iterator)
        if header.redact or header.patterns:
            sentence = "Must be empty; recordings are imported as they are. Redact the sources that they come from."
            raise InvalidArgument(violations=[Violation("header.redaction", sentence)])
        summary = await self._files.read(caller().company, header, read_chunks(request_iterator))
        return pb.ImportRecordingsResponse(summary=summary_message(summary))

    async def DeleteRecordings(
        self, request: pb.DeleteRecordingsRequest, context: Context
    ) -> pb.DeleteRecordingsResponse:
        return pb.DeleteRecordingsResponse(deleted=await self._recordings.delete(caller().company, request.batch))
