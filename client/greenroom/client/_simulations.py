"""Simulations of campaigns: a persona receives their messages, as a conversation."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._listing import Listing
from greenroom.synthesizer.v1 import campaign_simulation_pb2 as pb
from greenroom.synthesizer.v1.campaign_simulation_pb2_grpc import CampaignSimulationServiceStub
from greenroom.synthesizer.v1.conversation_pb2 import CampaignAgent, Conversation, StoredCampaign
from greenroom.synthesizer.v1.tool_config_pb2 import ToolConfig


class Simulations:
    """The calls of CampaignSimulationService."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = CampaignSimulationServiceStub(calls.channel)

    async def start(
        self,
        files: Sequence[str],
        persona: str,
        *,
        stored: Sequence[StoredCampaign] = (),
        contact: Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        max_steps: int = 0,
        tool_config: ToolConfig | None = None,
        seed: int = 0,
        epoch: datetime | None = None,
        model: str = "",
        request_id: str | None = None,
    ) -> Conversation:
        """Start a conversation in which a persona is a contact of campaigns.

        files: their texts, YAML or JSON. stored: campaigns of the server that the contact is in as well.
        model: who plays the contact; empty: the offline model.
        """
        campaign = CampaignAgent(files=files, stored=stored, tags=tags, max_steps=max_steps)
        campaign.contact.update(contact or {})
        request = pb.SimulateCampaignRequest(
            campaign=campaign,
            persona=persona,
            tool_config=tool_config,
            seed=seed,
            model=model,
            request_id=request_id or new_request_id(),
        )
        if epoch is not None:
            request.epoch.FromDatetime(epoch)
        return (await self._calls.unary(self._stub.SimulateCampaign, request)).conversation

    def interactions(self, conversation: str) -> Listing[pb.Interaction]:
        """What happened to the contact so far, in order."""
        request = pb.ListInteractionsRequest(conversation=conversation)
        return self._calls.listing(self._stub.ListInteractions, request, lambda page: page.interactions)

    def cover(
        self,
        campaign: CampaignAgent,
        *,
        personas: Sequence[str] = (),
        tool_config: ToolConfig | None = None,
        seed: int = 0,
        epoch: datetime | None = None,
        budget: int = 0,
    ) -> AsyncGenerator[pb.CoverCampaignResponse, None]:
        """Play contacts until every edge of campaigns is taken or proven unreachable; the last message has the edges.

        personas: who plays them; empty: the built-in ones. budget: the most contacts; 0: 1,000.
        """
        request = pb.CoverCampaignRequest(
            campaign=campaign, personas=personas, tool_config=tool_config, seed=seed, budget=budget
        )
        if epoch is not None:
            request.epoch.FromDatetime(epoch)
        return self._calls.streamed(self._stub.CoverCampaign, request)

    async def summarize(self, *, conversation: str = "", batch: str = "") -> Sequence[pb.SimulatedCampaign]:
        """What a conversation, or those of a batch that are over, show of each of their campaigns."""
        request = pb.SummarizeSimulationsRequest(conversation=conversation, batch=batch)
        return (await self._calls.unary(self._stub.SummarizeSimulations, request)).campaigns
