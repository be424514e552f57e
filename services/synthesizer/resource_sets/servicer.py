"""ResourceSetService."""

from collections.abc import AsyncIterator

from greenroom.synthesizer.v1 import resource_set_pb2 as pb
from greenroom.synthesizer.v1 import resource_set_pb2_grpc
from services.synthesizer.resource_sets.messages import header, resource_set_message
from services.synthesizer.resource_sets.operations import ResourceSets
from services.synthesizer.resource_sets.store import ResourceSetStore
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.uploads import read_chunks, read_header


class ResourceSetServicer(resource_set_pb2_grpc.ResourceSetServiceServicer):
    """Serves ResourceSetService."""

    def __init__(self, operations: ResourceSets, store: ResourceSetStore) -> None:
        self._operations = operations
        self._store = store

    async def ImportResourceSet(
        self, request_iterator: AsyncIterator[pb.ImportResourceSetRequest], context: Context
    ) -> pb.ImportResourceSetResponse:
        described = header(await read_header(request_iterator))
        stored = await self._operations.read(caller(), described, read_chunks(request_iterator))
        return pb.ImportResourceSetResponse(resource_set=resource_set_message(stored))

    async def GetResourceSet(self, request: pb.GetResourceSetRequest, context: Context) -> pb.GetResourceSetResponse:
        found = await self._store.get(caller().company, request.name)
        return pb.GetResourceSetResponse(resource_set=resource_set_message(found))

    async def ListResourceSets(
        self, request: pb.ListResourceSetsRequest, context: Context
    ) -> pb.ListResourceSetsResponse:
        page = read_page(request)
        found = await self._store.page(caller().company, list_part(request, page))
        messages = [resource_set_message(one) for one in found.items]
        shown, token = cut(messages, page, lambda message: before(message, message.create_time.ToMilliseconds()))
        return pb.ListResourceSetsResponse(resource_sets=shown, next_page_token=token, total_size=found.total)

    async def DeleteResourceSet(
        self, request: pb.DeleteResourceSetRequest, context: Context
    ) -> pb.DeleteResourceSetResponse:
        await self._store.delete(caller().company, request.name)
        return pb.DeleteResourceSetResponse()
