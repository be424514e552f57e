"""Reads simulated contacts of campaigns from the synthesizer."""

import asyncio
from collections.abc import Sequence

from greenroom.synthesizer.v1 import (
    batch_pb2,
    batch_pb2_grpc,
    campaign_simulation_pb2,
    campaign_simulation_pb2_grpc,
    conversation_pb2,
    conversation_pb2_grpc,
)
from services.evaluator.reports.campaigns.model import MAX_CONVERSATIONS, Simulated
from shared.auth import Caller
from shared.model.campaigns.interactions import Interaction
from shared.rpc.interactions import read_interaction
from shared.rpc.peers import Peer, Peers

_PAGE = 1000
_CALLS = 16
"""How many calls about conversations run at once."""
State = conversation_pb2.Conversation.State
_OVER = (State.STATE_COMPLETED, State.STATE_FAILED)


class SynthesizerSimulations:
    """The simulated contacts."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def read(self, caller: Caller, batch: str, conversations: Sequence[str]) -> Sequence[Simulated]:
        """Those of the first MAX_CONVERSATIONS of a batch that are over, or those of the conversations named."""
        peer = self._peers.of("synthesizer", caller)
        names = await _of_batch(peer, batch) if batch else conversations
        slots = asyncio.Semaphore(_CALLS)

        async def read(name: str) -> Simulated:
            async with slots:
                return await _contact(peer, name)

        found = await asyncio.gather(*map(read, names))
        return [one for one in found if one.rows]


async def _of_batch(peer: Peer, batch: str) -> Sequence[str]:
    request = batch_pb2.ListBatchResultsRequest(batch=batch, page_size=MAX_CONVERSATIONS)
    page = await peer.unary(batch_pb2_grpc.BatchServiceStub(peer.channel).ListBatchResults, request)
    return [row.conversation for row in page.results if row.state in _OVER]


async def _contact(peer: Peer, name: str) -> Simulated:
    stub = conversation_pb2_grpc.ConversationServiceStub(peer.channel)
    request = conversation_pb2.GetConversationRequest(name=name)
    conversation = (await peer.unary(stub.GetConversation, request)).conversation
    spec, campaign = conversation.spec, conversation.spec.agent.campaign
    return Simulated(
        conversation=name,
        persona=conversation.persona.display_name,
        entered=spec.epoch.ToMilliseconds(),
        rows=tuple(await _rows(peer, name)) if conversation.state in _OVER else (),
        files=(*campaign.files, *(one.content for one in campaign.stored)),
    )


async def _rows(peer: Peer, name: str) -> Sequence[Interaction]:
    stub = campaign_simulation_pb2_grpc.CampaignSimulationServiceStub(peer.channel)
    request = campaign_simulation_pb2.ListInteractionsRequest(conversation=name, page_size=_PAGE)
    rows: list[Interaction] = []
    while True:
        page = await peer.unary(stub.ListInteractions, request)
        rows += map(read_interaction, page.interactions)
        if not page.next_page_token:
            return rows
        request.page_token = page.next_page_token
