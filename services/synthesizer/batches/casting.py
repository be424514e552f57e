"""Who plays in a batch: its conversations with their first events, made some at a time."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from services.synthesizer.batches.model import Batch, BatchState
from services.synthesizer.batches.plan import deal, spread
from services.synthesizer.batches.ports import BatchCatalog
from services.synthesizer.conversations.model import Conversation, ConversationState
from services.synthesizer.conversations.opening import (
    Limits,
    Resolved,
    check_recorded_answers,
    check_tools,
    check_world,
    first_events,
    look_up,
    recorded,
)
from services.synthesizer.persona import Persona
from services.synthesizer.source import Source, SourceConversation
from shared.ids import new_id
from shared.model.events import Event

AT_ONCE = 100
"""Conversations that are made and stored at once: few enough that nobody else's call waits for long."""

_FIELD = "spec.conversation"


class Casting:
    """Makes the conversations of a batch. Each revision is looked up once, and held against the tool config once.

    sources: what they start from; none when the personas open. personas: one for each share of the spec.
    """

    def __init__(
        self,
        batch: Batch,
        sources: Sequence[Source],
        personas: Sequence[Persona],
        catalog: BatchCatalog,
        limits: Limits,
    ) -> None:
        self._batch = batch
        self._sources = sources
        self._personas = personas
        self._catalog = catalog
        self._limits = limits
        self._resolved: dict[tuple[str, int], Resolved] = {}
        self._fitting: set[tuple[str, int, frozenset[str]]] = set()

    async def revision(self) -> int:
        """The number of the revision that all conversations have; 0 if each has its own, or none has."""
        return 0 if self._batch.spec.linked_revisions else (await self._look_up(None)).spec.revision

    async def conversations(self) -> AsyncIterator[list[tuple[Conversation, list[Event]]]]:
        """Up to AT_ONCE conversations at a time with their first events, by index. Raises what `resolve` does."""
        spec = self._batch.spec
        dealt = deal([share.weight for share in spec.personas], spec.size, spec.conversation.seed)
        count = max(len(self._sources), 1)
        chosen = spread(count, spec.size, spec.conversation.seed)
        for start in range(0, spec.size, AT_ONCE):
            indexes = range(start, min(start + AT_ONCE, spec.size))
            resolved = await self._resolve(sorted({chosen[index] for index in indexes}))
            yield [
                self._conversation(index, resolved[chosen[index]], self._personas[dealt[index]]) for index in indexes
            ]

    async def _resolve(self, numbers: Sequence[int]) -> dict[int, Resolved]:
        """For each of these sources by its number the conversations' spec with it, and what its names stand for."""
        sources = [self._sources[number] for number in numbers] if self._sources else [None]
        contents: Sequence[SourceConversation | None] = [None]
        if self._sources:
            names = [source.name for source in sources if source is not None]
            contents = await self._catalog.source_contents(self._batch.company, names)
        resolved = {}
        for number, source, content in zip(numbers, sources, contents, strict=True):
            alike = await self._look_up(source)
            name = "" if source is None else source.name
            resolved[number] = replace(alike, spec=replace(alike.spec, source=name), source=content)
            self._check_tools(resolved[number])
            if alike.spec.resources:
                check_world(resolved[number], f"{_FIELD}.resources")
        return resolved

    async def _look_up(self, source: Source | None) -> Resolved:
        """The conversations' spec with the revision for a source; the persona only stands in for the one dealt."""
        spec = replace(self._batch.spec.conversation, persona=self._personas[0].name)
        if self._batch.spec.linked_revisions and source is not None:
            spec = replace(spec, procedure=source.procedure, revision=source.revision)
        key = spec.procedure, spec.revision
        if key not in self._resolved:
            self._resolved[key] = await look_up(spec, self._batch.company, self._catalog, self._limits, _FIELD)
        return self._resolved[key]

    def _check_tools(self, resolved: Resolved) -> None:
        # Of a source, the check asks which tools its recorded calls answer, and, anew for each source, what they do.
        key = resolved.spec.procedure, resolved.spec.revision, frozenset(recorded(resolved))
        if key in self._fitting:
            check_recorded_answers(resolved, f"{_FIELD}.tool_config")
        else:
            check_tools(resolved, f"{_FIELD}.tool_config")
            self._fitting.add(key)

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
            creator=batch.creator,
            create_time=batch.create_time,
            last_seq=len(events),
        )
        return conversation, events
