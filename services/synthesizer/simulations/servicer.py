"""CampaignSimulationService."""

from collections.abc import AsyncIterator

from greenroom.synthesizer.v1 import campaign_simulation_pb2 as pb
from greenroom.synthesizer.v1 import campaign_simulation_pb2_grpc
from services.synthesizer.conversations.messages import conversation_message
from services.synthesizer.conversations.operations import Conversations
from services.synthesizer.conversations.store.conversations import ConversationStore
from services.synthesizer.simulations import messages as convert
from services.synthesizer.simulations.covering import Covering
from services.synthesizer.simulations.operations import Simulations
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.interactions import interaction_message
from shared.rpc.pages import after_number, cut
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key


class CampaignSimulationServicer(campaign_simulation_pb2_grpc.CampaignSimulationServiceServicer):
    """Starts simulations, and answers for their interactions."""

    def __init__(
        self, conversations: Conversations, store: ConversationStore, simulations: Simulations, covering: Covering
    ) -> None:
        self._conversations = conversations
        self._store = store
        self._simulations = simulations
        self._covering = covering

    async def SimulateCampaign(
        self, request: pb.SimulateCampaignRequest, context: Context
    ) -> pb.SimulateCampaignResponse:
        key = request_key(request, "SimulateCampaign")
        started = await self._conversations.start(
            convert.spec(request, request.persona, request.model), caller(), create_only=False, key=key
        )
        return pb.SimulateCampaignResponse(conversation=conversation_message(started))

    async def ListInteractions(
        self, request: pb.ListInteractionsRequest, context: Context
    ) -> pb.ListInteractionsResponse:
        page = read_page(request)
        conversation = await self._store.get(caller().company, request.conversation)
        after = after_number(page, 0)
        rows = [row for row in await self._simulations.rows(conversation) if row.seq > after][: page.size + 1]
        shown, token = cut([interaction_message(row) for row in rows], page, lambda message: message.seq)
        return pb.ListInteractionsResponse(interactions=shown, next_page_token=token)

    async def CoverCampaign(
        self, request: pb.CoverCampaignRequest, context: Context
    ) -> AsyncIterator[pb.CoverCampaignResponse]:
        spec = convert.spec(request, "")
        async for found in self._covering.cover(spec, request.personas, request.budget, caller()):
            yield convert.covered(found)

    async def SummarizeSimulations(
        self, request: pb.SummarizeSimulationsRequest, context: Context
    ) -> pb.SummarizeSimulationsResponse:
        convert.check_one(request)
        found = await self._simulations.summarize(caller().company, request.conversation, request.batch)
        return pb.SummarizeSimulationsResponse(campaigns=map(convert.summary, found))
