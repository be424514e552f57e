"""SourceService."""

from collections.abc import AsyncIterator

from greenroom.synthesizer.v1 import source_pb2 as pb
from greenroom.synthesizer.v1 import source_pb2_grpc
from services.synthesizer.api.convert.events import event_message
from services.synthesizer.api.convert.source import resource_message, source_filter, source_message, summary_message
from services.synthesizer.api.imports import read_chunks, read_header
from services.synthesizer.catalog.imports import Imports
from services.synthesizer.ports import SourceStore
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import after_id, after_number, cut
from shared.rpc.paging import read_page


class SourceServicer(source_pb2_grpc.SourceServiceServicer):
    """Answers for source conversations."""

    def __init__(self, sources: SourceStore, imports: Imports) -> None:
        self._sources = sources
        self._imports = imports

    async def ImportSources(
        self, request_iterator: AsyncIterator[pb.ImportSourcesRequest], context: Context
    ) -> pb.ImportSourcesResponse:
        header = await read_header(request_iterator)
        summary = await self._imports.sources(caller().company, header, read_chunks(request_iterator))
        return pb.ImportSourcesResponse(summary=summary_message(summary))

    async def GetSource(self, request: pb.GetSourceRequest, context: Context) -> pb.GetSourceResponse:
        found = await self._sources.get(caller().company, request.name)
        return pb.GetSourceResponse(source=source_message(found))

    async def ListSources(self, request: pb.ListSourcesRequest, context: Context) -> pb.ListSourcesResponse:
        page = read_page(request)
        which = source_filter(request.filter)
        found = await self._sources.page(caller().company, after_id(page), page.size + 1, which)
        shown, token = cut([source_message(one) for one in found], page, lambda message: message.name)
        return pb.ListSourcesResponse(sources=shown, next_page_token=token)

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

    async def DeleteSource(self, request: pb.DeleteSourceRequest, context: Context) -> pb.DeleteSourceResponse:
        await self._sources.delete(caller().company, request.name)
        return pb.DeleteSourceResponse()
