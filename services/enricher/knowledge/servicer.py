"""KnowledgeService."""

from greenroom.enricher.v1 import knowledge_pb2 as pb
from greenroom.enricher.v1 import knowledge_pb2_grpc
from services.enricher.knowledge.messages import document_filter, document_message, match_message, new_document
from services.enricher.knowledge.operations import Knowledge
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key


class KnowledgeServicer(knowledge_pb2_grpc.KnowledgeServiceServicer):
    """Serves KnowledgeService."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    async def AddDocuments(self, request: pb.AddDocumentsRequest, context: Context) -> pb.AddDocumentsResponse:
        new = [new_document(one) for one in request.documents]
        added = await self._knowledge.add(caller(), new, request_key(request, "AddDocuments"))
        return pb.AddDocumentsResponse(documents=map(document_message, added.documents), unchanged=added.unchanged)

    async def GetDocument(self, request: pb.GetDocumentRequest, context: Context) -> pb.GetDocumentResponse:
        document, text = await self._knowledge.get(caller().company, request.name)
        return pb.GetDocumentResponse(document=document_message(document, text))

    async def ListDocuments(self, request: pb.ListDocumentsRequest, context: Context) -> pb.ListDocumentsResponse:
        page, only = read_page(request), document_filter(request.tags, request.domain)
        found = await self._knowledge.page(caller().company, only, list_part(request, page))
        shown, token = cut([document_message(one) for one in found.items], page, before)
        return pb.ListDocumentsResponse(documents=shown, next_page_token=token, total_size=found.total)

    async def SearchDocuments(self, request: pb.SearchDocumentsRequest, context: Context) -> pb.SearchDocumentsResponse:
        only = document_filter(request.tags, request.domain)
        found = await self._knowledge.search(caller().company, request.query, only, request.limit)
        return pb.SearchDocumentsResponse(
            matches=map(match_message, found.matches), meaning_problem=found.meaning_problem
        )

    async def DeleteDocument(self, request: pb.DeleteDocumentRequest, context: Context) -> pb.DeleteDocumentResponse:
        await self._knowledge.delete(caller().company, request.name)
        return pb.DeleteDocumentResponse()
