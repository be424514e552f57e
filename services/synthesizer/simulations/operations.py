"""What callers ask of simulations."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from services.synthesizer.batches.store import BatchStore
from services.synthesizer.conversations.campaign_loop import interactions
from services.synthesizer.conversations.campaign_target import CAMPAIGN, read_target
from services.synthesizer.conversations.model import OVER, Conversation
from services.synthesizer.conversations.store.conversations import ConversationStore
from shared.model.campaigns.interactions import Interaction
from shared.model.campaigns.summary import CampaignSummary, summaries

_AT_ONCE = 100
_MOST = 10_000
"""The most conversations of a batch that are summarized."""


class Simulations:
    """Reads simulations from the events of their conversations."""

    def __init__(self, store: ConversationStore, batches: BatchStore) -> None:
        self._store = store
        self._batches = batches

    async def rows(self, conversation: Conversation) -> Sequence[Interaction]:
        """The interactions so far; none if it plays no campaign."""
        agent = conversation.spec.agent
        if agent is None or agent.kind != CAMPAIGN:
            return ()
        return [*interactions(await self._store.events(conversation))]

    async def summarize(self, company: str, conversation: str, batch: str) -> Sequence[CampaignSummary]:
        """What one conversation, or those of a batch that are over, show of their campaigns. Raises NotFound."""
        found: list[CampaignSummary] | None = None
        async for one in self._conversations(company, conversation, batch):
            agent = one.spec.agent
            if agent is None or agent.kind != CAMPAIGN or one.persona is None:
                continue
            if found is None:
                found = summaries((await asyncio.to_thread(read_target, agent)).campaigns)
            rows = await self.rows(one)
            for summary in found:
                summary.add(rows, one.spec.epoch, one.persona.display_name, one.name)
        return found or ()

    async def _conversations(self, company: str, conversation: str, batch: str) -> AsyncIterator[Conversation]:
        if conversation:
            yield await self._store.get(company, conversation)
            return
        found = await self._batches.get(company, batch)
        after = -1
        while after + 1 < _MOST:
            page = await self._store.of_batch(found.id, after, _AT_ONCE, OVER)
            for one in page:
                yield one
            if len(page) < _AT_ONCE:
                return
            after = page[-1].index
