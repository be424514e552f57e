"""Looks up the personas, procedures, campaigns, sources and resource sets that a spec names."""

import asyncio
from collections.abc import Sequence

from services.synthesizer.campaigns.model import Revision as CampaignRevision
from services.synthesizer.campaigns.store import CampaignStore
from services.synthesizer.personas.model import Persona
from services.synthesizer.personas.operations import Personas
from services.synthesizer.procedures.model import Procedure, Revision
from services.synthesizer.procedures.store import ProcedureStore
from services.synthesizer.resource_sets.store import ResourceSetStore
from services.synthesizer.sources.model import Source, SourceConversation, SourceFilter
from services.synthesizer.sources.store import SourceStore
from shared.lru import LruCache
from shared.model.world import Base, Data

_SOURCES_AT_ONCE = 1000
_BASES = 64 << 20
"""The bytes of resources, as JSON, that are held in memory; conversations that run hold theirs as well."""


class Catalog:
    """A company's personas, procedures, campaigns, sources and resources by name."""

    def __init__(
        self,
        personas: Personas,
        procedures: ProcedureStore,
        campaigns: CampaignStore,
        sources: SourceStore,
        resource_sets: ResourceSetStore,
    ) -> None:
        self._personas = personas
        self._procedures = procedures
        self._campaigns = campaigns
        self._sources = sources
        self._resource_sets = resource_sets
        self._bases: LruCache[tuple[str, tuple[str, ...]], Base] = LruCache(_BASES)
        self._reading = asyncio.Lock()

    async def persona(self, company: str, name: str) -> Persona:
        """The company's own or built-in persona. Raises PersonaNotFound."""
        return await self._personas.get(company, name)

    async def revision(self, company: str, procedure: str, number: int) -> tuple[Procedure, Revision]:
        """The procedure and the revision of that number; 0 is the newest READY one, or the newest if none is READY.

        Raises ProcedureNotFound, RevisionNotFound.
        """
        found, newest = await self._procedures.get(company, procedure, number)
        if number or found.latest_ready_revision in (0, newest.number):
            return found, newest
        return await self._procedures.get(company, procedure, found.latest_ready_revision)

    async def campaign(self, company: str, name: str, number: int) -> CampaignRevision:
        """A revision of a campaign; 0 is the newest. Raises CampaignNotFound, CampaignRevisionNotFound."""
        _, revision = await self._campaigns.get(company, name, number)
        return revision

    async def source(self, company: str, name: str) -> SourceConversation:
        """The source with its content. Raises SourceNotFound."""
        return await self._sources.load(company, name)

    async def source_summaries(self, company: str, names: Sequence[str]) -> list[Source]:
        """The sources of these names, in their order, without their content. Raises SourceNotFound."""
        return await self._sources.summaries(company, names)

    async def source_contents(self, company: str, names: Sequence[str]) -> list[SourceConversation]:
        """The sources of these names, in their order. Raises SourceNotFound."""
        return await self._sources.contents(company, names)

    async def sources(self, company: str, which: SourceFilter) -> list[Source]:
        """All sources that match, oldest first, without their content."""
        found: list[Source] = []
        while True:
            page = await self._sources.oldest(company, found[-1].name if found else "", _SOURCES_AT_ONCE, which)
            found += page
            if len(page) < _SOURCES_AT_ONCE:
                return found

    async def resources(self, company: str, names: tuple[str, ...]) -> Base:
        """The resources that names of `mock_resources` mean; of two with the same type and id the later one.

        They are read once and shared, so nobody may change them. Raises ResourceSetNotFound, ResourceNotFound.
        """
        if not names:
            return {}
        # The conversations of a batch ask for the same resources at once; only one reads them.
        async with self._reading:
            if (base := self._bases.get((company, names))) is None:
                base, size = await self._read(company, names)
                self._bases.put((company, names), base, size)
        return base

    async def _read(self, company: str, names: Sequence[str]) -> tuple[Base, int]:
        base: dict[str, dict[str, Data]] = {}
        size = 0
        for name in names:
            content, bytes_read = await self._resource_sets.content(company, name)
            size += bytes_read
            for kind, some in content.items():
                base.setdefault(kind, {}).update(some)
        return base, size

    def built_in_personas(self) -> Sequence[str]:
        """The names of the built-in personas."""
        return [persona.name for persona in self._personas.built_in()]
