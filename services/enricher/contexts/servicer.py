"""EnrichmentService."""

from collections.abc import AsyncIterator

from greenroom.enricher.v1 import enrichment_pb2 as pb
from greenroom.enricher.v1 import enrichment_pb2_grpc
from services.enricher.contexts.errors import ContextTooLarge
from services.enricher.contexts.messages import (
    context_message,
    enriched_message,
    found_message,
    refused_message,
    wanted,
)
from services.enricher.contexts.model import Context as DomainContext
from services.enricher.contexts.model import Found
from services.enricher.contexts.operations import Contexts
from services.enricher.patterns.messages import request
from shared.auth import caller
from shared.errors import InvalidArgument, NotFound
from shared.lru import LruCache
from shared.rpc.handlers import Context
from shared.rpc.streams import check_stream

_MAX_MESSAGE = (4 << 20) - (512 << 10)
"""The most bytes of a context as a message, which leaves room for the rest of an answer."""
_KEPT_BYTES = 16 << 20
"""The most bytes of contexts that are kept as messages."""


class EnrichmentServicer(enrichment_pb2_grpc.EnrichmentServiceServicer):
    """Serves EnrichmentService."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._messages = LruCache[int, tuple[DomainContext, pb.DomainContext]](_KEPT_BYTES)

    async def BuildContext(self, request: pb.BuildContextRequest, context: Context) -> pb.BuildContextResponse:
        built = await self._contexts.build(caller().company, request.domain, request.revision, wanted(request))
        return pb.BuildContextResponse(
            context=self._message(built),
            knowledge_problem=built.documents.missing,
            meaning_problem=built.documents.meaning_problem,
        )

    async def Enrich(self, request: pb.EnrichRequest, context: Context) -> pb.EnrichResponse:
        return await self._enriched(request)

    async def EnrichMany(
        self, request_iterator: AsyncIterator[pb.EnrichManyRequest], context: Context
    ) -> AsyncIterator[pb.EnrichManyResponse]:
        async for message in request_iterator:
            check_stream()
            yield pb.EnrichManyResponse(response=await self._enriched(message.request))

    async def _enriched(self, message: pb.EnrichRequest) -> pb.EnrichResponse:
        try:
            enriched = await self._contexts.enrich(caller().company, request(message))
            return enriched_message(message.request_id, enriched, self._message(enriched.found))
        except (NotFound, InvalidArgument) as error:
            return refused_message(message.request_id, error)

    def _message(self, found: Found) -> pb.DomainContext:
        """What was found as a message; that of the context itself is kept as long as the context."""
        context = found.context
        kept = self._messages.get(id(context))
        if kept is None:
            kept = context, context_message(context)
            size = kept[1].ByteSize()
            if size > _MAX_MESSAGE:
                raise ContextTooLarge
            self._messages.put(id(context), kept, size)
        return found_message(found, kept[1])
