"""Where a rehearsal's names are looked up, once, at the door."""

from collections.abc import Sequence

from services.synthesizer.catalog.personas import Personas
from services.synthesizer.persona import Persona
from services.synthesizer.ports import ProcedureStore, SourceFilter, SourceStore
from services.synthesizer.procedure import Procedure, Revision
from services.synthesizer.source import Source, SourceConversation

_SOURCES_AT_ONCE = 1000


class Lookup:
    """A company's personas, procedures and sources, by name."""

    def __init__(self, personas: Personas, procedures: ProcedureStore, sources: SourceStore) -> None:
        self._personas = personas
        self._procedures = procedures
        self._sources = sources

    async def persona(self, company: str, name: str) -> Persona:
        """The persona, a built-in one included. Raises PersonaNotFound."""
        return await self._personas.get(company, name)

    async def revision(self, company: str, procedure: str, number: int) -> tuple[Procedure, Revision]:
        """The procedure and its revision of that number; 0: its newest READY one, or its newest when none is.

        Raises ProcedureNotFound, RevisionNotFound.
        """
        found, newest = await self._procedures.get(company, procedure, number)
        if number or found.latest_ready_revision in (0, newest.number):
            return found, newest
        return await self._procedures.get(company, procedure, found.latest_ready_revision)

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
            page = await self._sources.page(company, found[-1].name if found else "", _SOURCES_AT_ONCE, which)
            found += page
            if len(page) < _SOURCES_AT_ONCE:
                return found

    def built_in_personas(self) -> Sequence[str]:
        """The names of the personas that come with Greenroom, in their order."""
        return self._personas.built_in()
