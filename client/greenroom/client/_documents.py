"""Documents: what a company knows, searched by words."""

from collections.abc import Sequence

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._listing import Listing
from greenroom.enricher.v1 import knowledge_pb2 as pb
from greenroom.enricher.v1.knowledge_pb2_grpc import KnowledgeServiceStub


class Documents:
    """The calls of KnowledgeService. Names are `documents/{document}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = KnowledgeServiceStub(calls.channel)

    async def add(self, documents: Sequence[pb.Document], *, request_id: str | None = None) -> pb.AddDocumentsResponse:
        """Store up to 100 documents of together 4 MiB, all or none; those that are stored already are not again."""
        request = pb.AddDocumentsRequest(documents=documents, request_id=request_id or new_request_id())
        return await self._calls.unary(self._stub.AddDocuments, request)

    async def get(self, name: str) -> pb.Document:
        """A document with its text."""
        return (await self._calls.unary(self._stub.GetDocument, pb.GetDocumentRequest(name=name))).document

    def list(self, *, short_id: str = "", tags: Sequence[str] = (), domain: str = "") -> Listing[pb.Document]:
        """The documents without their texts, newest first.

        short_id: only those whose id begins or ends with it. tags: only those with all of them. domain: only those
        about it.
        """
        request = pb.ListDocumentsRequest(short_id=short_id, tags=tags, domain=domain)
        return self._calls.listing(self._stub.ListDocuments, request, lambda page: page.documents)

    async def search(
        self, query: str, *, tags: Sequence[str] = (), domain: str = "", limit: int = 0
    ) -> pb.SearchDocumentsResponse:
        """The documents that match, best first. tags, domain: as in `list`. limit: 0 gives 10.

        The server searches by meaning too if it has an embedding model; the answer says if it could not.
        """
        request = pb.SearchDocumentsRequest(query=query, tags=tags, domain=domain, limit=limit)
        return await self._calls.unary(self._stub.SearchDocuments, request)

    async def delete(self, name: str) -> None:
        """Delete a document for good."""
        await self._calls.unary(self._stub.DeleteDocument, pb.DeleteDocumentRequest(name=name), again=False)
