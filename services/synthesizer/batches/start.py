"""Makes the conversations of a batch with their first events, some at a time."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from services.synthesizer.batches.model import Batch, BatchState
from services.synthesizer.batches.plan import deal, spread
from services.synthesizer.conversations.catalog import Catalog
from services.synthesizer.conversations.model import Conversation, ConversationState
from services.synthesizer.conversations.start import (
    Limits,
    Resolved,
    check_recorded_answers,
    check_resources,
    check_tools,
    first_events,
    look_up,
    recorded,
)
from services.synthesizer.personas.model import Persona
from services.synthesizer.sources.model import Source, SourceConversation
from shared.ids import new_id
from shared.model.events import Event

AT_ONCE = 100
"""How many conversations are made and stored together. More would make other calls wait."""

_FIELD = "spec.conversation"


class NewConversations:
    """The conversations of a new batch. Each revision is looked up and checked against the tool config once.

    sources: empty if the personas open. personas: one for each share of the spec.
    places: for each conversation its index, and the numbers of its source and persona; spread evenly if None.
    """

    def __init__(
        self,
        batch: Batch,
        sources: Sequence[Source],
        personas: Sequence[Persona],
        catalog: Catalog,
        limits: Limits,
        places: Sequence[tuple[int, int, int]] | None = None,
    ) -> None:
        self._batch = batch
        self._places = places
        self._sources = sources
        self._personas = personas
        self._catalog = catalog
        self._limits = limits
        self._resolved: dict[tuple[str, int], Resolved] = {}
        self._fitting: set[tuple[str, int, frozenset[str]]] = set()

    async def revision(self) -> int:
        """The number of the revision that all conversations share; 0 if they share none."""
        return 0 if self._batch.spec.linked_revisions else (await self._look_up(None)).spec.revision

    async def pages(self) -> AsyncIterator[list[tuple[Conversation, list[Event]]]]:
        """The conversations by index with their first events, up to AT_ONCE a page. Raises what `resolve` does."""
        places = self._spread() if self._places is None else self._places
        for start in range(0, self._batch.spec.size, AT_ONCE):
            some = places[start : min(start + AT_ONCE, self._batch.spec.size)]
            resolved = await self._resolve(sorted({source for _, source, _ in some}))
            yield [
                self._conversation(index, resolved[source], self._personas[persona]) for index, source, persona in some
            ]

    def _spread(self) -> list[tuple[int, int, int]]:
        spec = self._batch.spec
        persona_of = deal([share.weight for share in spec.personas], spec.size, spec.conversation.seed)
        source_of = spread(max(len(self._sources), 1), spec.size, spec.conversation.seed)
        return list(zip(range(spec.size), source_of, persona_of, strict=True))

    async def _resolve(self, numbers: Sequence[int]) -> dict[int, Resolved]:
        """The resolved spec for each of these sources, by index."""
        sources = [self._sources[number] for number in numbers] if self._sources else [None]
        contents: Sequence[SourceConversation | None] = [None]
        if self._sources:
            names = [source.name for source in sources if source is not None]
            contents = await self._catalog.source_contents(self._batch.company, names)
        resolved = {}
        for number, source, content in zip(numbers, sources, contents, strict=True):
            shared = await self._look_up(source)
            name = "" if source is None else source.name
            resolved[number] = replace(shared, spec=replace(shared.spec, source=name), source=content)
            await self._check_tools(resolved[number])
            if shared.spec.resources:
                check_resources(resolved[number], f"{_FIELD}.resources")
        return resolved

    async def _look_up(self, source: Source | None) -> Resolved:
        """The resolved spec with the revision for a source. Its persona is replaced for each conversation."""
        spec = replace(self._batch.spec.conversation, persona=self._personas[0].name)
        if self._batch.spec.linked_revisions and source is not None:
            spec = replace(spec, procedure=source.procedure, revision=source.revision)
        key = spec.procedure, spec.revision
        if key not in self._resolved:
            self._resolved[key] = await look_up(spec, self._batch.company, self._catalog, self._limits, _FIELD)
        return self._resolved[key]

    async def _check_tools(self, resolved: Resolved) -> None:
        # The full check depends only on which tools have recorded calls, if these count. Each source's recorded answers
        # are checked.
        counts = not resolved.spec.tool_config.ignore_recorded_calls
        tools = frozenset(recorded(resolved)) if counts else frozenset[str]()
        key = resolved.spec.procedure, resolved.spec.revision, tools
        if key not in self._fitting:
            await check_tools(resolved, self._limits, f"{_FIELD}.tool_config")
            self._fitting.add(key)
        elif counts:
            await check_recorded_answers(resolved, self._limits, f"{_FIELD}.tool_config")

    def _conversation(self, index: int, resolved: Resolved, persona: Persona) -> tuple[Conversation, list[Event]]:
        batch = self._batch
        events = first_events(resolved)
        created = batch.state is BatchState.CREATED
        conversation = Conversation(
            id=new_id(),
            company=batch.company,
            state=ConversationState.CREATED if created else ConversationState.PENDING,
            spec=replace(resolved.spec, persona=persona.name),
            persona=persona,
            batch=batch.id,
            index=index,
            batch_limit=batch.spec.max_in_flight,
            creator=batch.creator,
            create_time=batch.create_time,
            last_seq=len(events),
        )
        return conversation, events
