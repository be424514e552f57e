"""Plays contacts until every edge of campaigns is taken, or shown to be unreachable."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from services.synthesizer.conversations.campaign_target import CAMPAIGN, read_target
from services.synthesizer.conversations.catalog import Catalog
from services.synthesizer.conversations.errors import SpecInvalid
from services.synthesizer.conversations.model import AgentTarget, ConversationSpec
from services.synthesizer.conversations.operations import Conversations
from services.synthesizer.simulations.search import AT_ONCE, Job, Search, Try, play_tries, prove
from services.synthesizer.tool_configs.documents import tool_config_json
from shared.auth import Caller
from shared.compute import Compute
from shared.errors import Violation
from shared.model.campaigns.model import Edge

DEFAULT_BUDGET = 1_000


@dataclass(frozen=True, slots=True)
class Covered:
    """What was found until now. shown: the conversation that shows an edge of a campaign; empty before the end."""

    search: Search
    over: bool
    shown: dict[tuple[int, Edge], str]


class Covering:
    """Searches contacts for the edges of campaigns, and starts a conversation for each of those that show them."""

    def __init__(self, conversations: Conversations, catalog: Catalog, compute: Compute) -> None:
        self._conversations = conversations
        self._catalog = catalog
        self._compute = compute

    async def cover(
        self, spec: ConversationSpec, personas: Sequence[str], budget: int, caller: Caller
    ) -> AsyncIterator[Covered]:
        """What is found, again and again until the search is over.

        spec: of every conversation, with the first persona. personas: names; empty: the built-in ones. budget: how many
        contacts are tried at most; 0: 1,000. Raises SpecInvalid, and what `resolve` does.
        """
        if spec.agent is not None and "contacts" in spec.agent.config:
            sentence = "The search makes its own contacts; leave the file out."
            raise SpecInvalid(violations=[Violation("campaign.contacts", sentence)])
        names = personas or self._catalog.built_in_personas()
        resolved = (await self._conversations.resolved(replace(spec, persona=names[0]), caller)).spec
        assert resolved.agent is not None
        job = Job(
            json.dumps(resolved.agent.config),
            json.dumps(tool_config_json(resolved.tool_config)),
            [await self._catalog.persona(caller.company, name) for name in names],
            resolved.seed,
            resolved.epoch,
        )
        proven = await self._compute.run(prove, job)
        search = Search(job, await asyncio.to_thread(read_target, resolved.agent), proven)
        while tries := search.choose(min(AT_ONCE, (budget or DEFAULT_BUDGET) - len(search.tries))):
            search.add(tries, await self._compute.run(play_tries, job, tries))
            yield Covered(search, False, {})
        shown = search.shown_by()
        started = {}
        for number in sorted({*shown.values()}):
            one = _spec(resolved, resolved.agent, names, search.tries[number])
            started[number] = (await self._conversations.start(one, caller, create_only=False, key=None)).name
        yield Covered(search, True, {edge: started[number] for edge, number in shown.items()})


def _spec(spec: ConversationSpec, agent: AgentTarget, names: Sequence[str], one: Try) -> ConversationSpec:
    """The spec of the conversation of a try."""
    config = {**agent.config, "contact": dict(one.contact), "tags": [*one.tags]}
    return replace(
        spec,
        agent=replace(agent, kind=CAMPAIGN, config=config),
        persona=names[one.persona],
        seed=one.seed,
        epoch=one.epoch,
    )
