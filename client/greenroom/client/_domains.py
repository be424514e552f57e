"""Domains: what businesses know, as packs in revisions."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._files import upload, upload_all
from greenroom.client._listing import Listing
from greenroom.enricher.v1 import domain_pb2 as pb
from greenroom.enricher.v1.domain_pb2_grpc import DomainServiceStub


class Domains:
    """The calls of DomainService. Names are `domains/{domain}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = DomainServiceStub(calls.channel)

    async def import_file(
        self, path: str | Path, domain_id: str, *, ready: bool = False, revision: int = 0, request_id: str | None = None
    ) -> pb.ImportDomainResponse:
        """Import a pack from a YAML file, decompressed if it ends in `.gz`: as a new domain, or as its next revision.

        domain_id: the part of its name after the slash, such as `bookshop`. ready: make the revision READY at once.
        revision: the DRAFT to replace instead; 0 adds one.
        """
        header = pb.ImportDomainHeader(
            domain_id=domain_id,
            ready=ready,
            revision=revision,
            file=Path(path).name,
            request_id=request_id or new_request_id(),
        )
        return await upload(self._calls, self._stub.ImportDomain, pb.ImportDomainRequest, Path(path), header)

    async def discover(
        self,
        paths: Sequence[str | Path],
        *,
        kind: pb.DiscoverDomainHeader.Kind.ValueType = pb.DiscoverDomainHeader.KIND_UNSPECIFIED,
        dialect: str = "",
        entity: str = "",
        domain_id: str = "",
        display_name: str = "",
    ) -> pb.DiscoverDomainResponse:
        """Make a pack from files that describe a business: SQL, OpenAPI, JSON Schema, descriptors, or sample rows.

        kind: of all files; told by each file itself if it is not said. dialect: of SQL, `postgres` if it is empty.
        entity: the one that a single file describes. domain_id: store the pack as a DRAFT revision of this domain.
        """
        files = [
            (
                Path(path),
                pb.DiscoverDomainHeader(
                    kind=kind,
                    dialect=dialect,
                    entity=entity,
                    file=Path(path).name,
                    domain_id=domain_id,
                    display_name=display_name,
                ),
            )
            for path in paths
        ]
        return await upload_all(
            self._calls,
            self._stub.DiscoverDomain,
            pb.DiscoverDomainRequest,
            files,
            decompress=False,
            again=not domain_id,
        )

    async def mark_ready(self, name: str, revision: int) -> pb.Domain:
        """Make a revision READY; it cannot change after that."""
        request = pb.MarkDomainReadyRequest(name=name, revision=revision)
        return (await self._calls.unary(self._stub.MarkDomainReady, request)).domain

    async def get(self, name: str, *, revision: int = 0) -> pb.GetDomainResponse:
        """A domain and one of its revisions, 0 for the newest."""
        return await self._calls.unary(self._stub.GetDomain, pb.GetDomainRequest(name=name, revision=revision))

    def list(self, *, short_id: str = "") -> Listing[pb.Domain]:
        """The built-in domains, then the company's own, newest first.

        short_id: only those whose id begins or ends with it.
        """
        request = pb.ListDomainsRequest(short_id=short_id)
        return self._calls.listing(self._stub.ListDomains, request, lambda page: page.domains)

    async def search(self, query: str, *, domain: str = "", limit: int = 0) -> Sequence[pb.DomainMatch]:
        """The parts of domains whose words match, best first. domain: only in this one. limit: 0 gives 20."""
        request = pb.SearchDomainsRequest(query=query, domain=domain, limit=limit)
        return (await self._calls.unary(self._stub.SearchDomains, request)).matches

    async def export(self, name: str, *, revision: int = 0) -> AsyncGenerator[bytes, None]:
        """The YAML of a revision, 0 for the newest, in chunks. Importing it gives the same pack."""
        request = pb.ExportDomainRequest(name=name, revision=revision)
        async for message in self._calls.streamed(self._stub.ExportDomain, request):
            yield message.chunk

    async def delete_revision(self, name: str, revision: int) -> None:
        """Delete a revision that nothing refers to, for good."""
        request = pb.DeleteDomainRevisionRequest(name=name, revision=revision)
        await self._calls.unary(self._stub.DeleteDomainRevision, request, again=False)

    async def delete(self, name: str) -> None:
        """Delete a domain that nothing refers to, with its revisions, for good."""
        await self._calls.unary(self._stub.DeleteDomain, pb.DeleteDomainRequest(name=name), again=False)
