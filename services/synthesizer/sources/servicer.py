"""SourceService."""

from collections.abc import AsyncIterator

from greenroom.synthesizer.v1 import source_pb2 as pb
from greenroom.synthesizer.v1 import source_pb2_grpc
from services.synthesizer.imports.messages import read_header, summary_message
from services.synthesizer.sources.files import SourceFiles
from services.synthesizer.sources.messages import resource_message, sample_message, source_filter, source_message
from services.synthesizer.sources.store import SourceStore
from shared.auth import caller
from shared.rpc.events import event_message
from shared.rpc.handlers import Context
from shared.rpc.pages import after_number, before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.streams import check_stream
from shared.rpc.uploads import read_chunks


class SourceServicer(source_pb2_grpc.SourceServiceServicer):
    """Serves SourceService."""

    def __init__(self, sources: SourceStore, files: SourceFiles) -> None:
        self._sources = sources
        self._files = files

    async def ImportSources(
        self, request_iterator: AsyncIterator[pb.ImportSourcesRequest], context: Context
    ) -> pb.ImportSourcesResponse:
        header = await read_header(request_iterator)
        summary, samples = await self._files.read(caller().company, header, read_chunks(request_iterator))
        shown = [sample_message(one) for one in samples]
        return pb.ImportSourcesResponse(summary=summary_message(summary), samples=shown)

    async def GetSource(self, request: pb.GetSourceRequest, context: Context) -> pb.GetSourceResponse:
        found = await self._sources.get(caller().company, request.name)
        return pb.GetSourceResponse(source=source_message(found))

    async def ListSources(self, request: pb.ListSourcesRequest, context: Context) -> pb.ListSourcesResponse:
        page = read_page(request)
        which = source_filter(request.filter)
        found = await self._sources.page(caller().company, list_part(request, page), which)
        shown, token = cut([source_message(one) for one in found.items], page, before)
        return pb.ListSourcesResponse(sources=shown, next_page_token=token, total_size=found.total)

    async def ListSourceEvents(
        self, request: pb.ListSourceEventsRequest, context: Context
    ) -> pb.ListSourceEventsResponse:
        page, company = read_page(request), caller().company
        events = await self._sources.events(company, request.source, after_number(page, 0), page.size + 1)
        resources = [] if page.after is not None else await self._sources.resources(company, request.source)
        messages = [resource_message(one) for one in resources]
        used = sum(message.ByteSize() for message in messages)
        shown, token = cut([event_message(one) for one in events], page, lambda message: message.seq, used=used)
        return pb.ListSourceEventsResponse(events=shown, resources=messages, next_page_token=token)

    async def ExportSources(
        self, request: pb.ExportSourcesRequest, context: Context
    ) -> AsyncIterator[pb.ExportSourcesResponse]:
        which = source_filter(request.filter)
        async for chunk, cursor in self._files.export(caller().company, which, request.cursor):
            check_stream()
            yield pb.ExportSourcesResponse(chunk=chunk, cursor=cursor)

    async def DeleteSource(self, request: pb.DeleteSourceRequest, context: Context) -> pb.DeleteSourceResponse:
        await self._sources.delete(caller().company, request.name)
        return pb.DeleteSourceResponse()
