"""DomainService."""

import asyncio
from collections.abc import AsyncIterator

from greenroom.enricher.v1 import domain_pb2 as pb
from greenroom.enricher.v1 import domain_pb2_grpc
from services.enricher.domains.discoveries import Discoveries
from services.enricher.domains.messages import (
    discovery_message,
    domain_message,
    header,
    match_message,
    revision_message,
    source_parts,
)
from services.enricher.domains.operations import Domains
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.streams import check_stream
from shared.rpc.uploads import read_chunks, read_files, read_header


class DomainServicer(domain_pb2_grpc.DomainServiceServicer):
    """Serves DomainService."""

    def __init__(self, domains: Domains, discoveries: Discoveries) -> None:
        self._domains = domains
        self._discoveries = discoveries

    async def ImportDomain(
        self, request_iterator: AsyncIterator[pb.ImportDomainRequest], context: Context
    ) -> pb.ImportDomainResponse:
        described = header(await read_header(request_iterator))
        imported = await self._domains.read(caller(), described, read_chunks(request_iterator))
        return pb.ImportDomainResponse(
            domain=domain_message(imported.domain),
            revision=revision_message(imported.revision),
            unchanged=imported.unchanged,
        )

    async def DiscoverDomain(
        self, request_iterator: AsyncIterator[pb.DiscoverDomainRequest], context: Context
    ) -> pb.DiscoverDomainResponse:
        parts = source_parts(read_files(request_iterator))
        found, domain = await self._discoveries.discover(caller(), parts)
        return await asyncio.to_thread(discovery_message, found, domain)

    async def MarkDomainReady(self, request: pb.MarkDomainReadyRequest, context: Context) -> pb.MarkDomainReadyResponse:
        ready = await self._domains.mark_ready(caller().company, request.name, request.revision)
        return pb.MarkDomainReadyResponse(domain=domain_message(ready))

    async def GetDomain(self, request: pb.GetDomainRequest, context: Context) -> pb.GetDomainResponse:
        domain, revision = await self._domains.get(caller().company, request.name, request.revision)
        return pb.GetDomainResponse(domain=domain_message(domain), revision=revision_message(revision))

    async def ListDomains(self, request: pb.ListDomainsRequest, context: Context) -> pb.ListDomainsResponse:
        page = read_page(request)
        found = await self._domains.page(caller().company, list_part(request, page))
        messages = [domain_message(one) for one in found.items]
        shown, token = cut(messages, page, lambda message: before(message, message.create_time.ToMilliseconds()))
        return pb.ListDomainsResponse(domains=shown, next_page_token=token, total_size=found.total)

    async def SearchDomains(self, request: pb.SearchDomainsRequest, context: Context) -> pb.SearchDomainsResponse:
        found = await self._domains.search(caller().company, request.query, request.domain, request.limit)
        return pb.SearchDomainsResponse(matches=map(match_message, found))

    async def ExportDomain(
        self, request: pb.ExportDomainRequest, context: Context
    ) -> AsyncIterator[pb.ExportDomainResponse]:
        async for chunk in self._domains.export(caller().company, request.name, request.revision):
            check_stream()
            yield pb.ExportDomainResponse(chunk=chunk)

    async def DeleteDomainRevision(
        self, request: pb.DeleteDomainRevisionRequest, context: Context
    ) -> pb.DeleteDomainRevisionResponse:
        await self._domains.delete_revision(caller().company, request.name, request.revision)
        return pb.DeleteDomainRevisionResponse()

    async def DeleteDomain(self, request: pb.DeleteDomainRequest, context: Context) -> pb.DeleteDomainResponse:
        await self._domains.delete(caller().company, request.name)
        return pb.DeleteDomainResponse()
