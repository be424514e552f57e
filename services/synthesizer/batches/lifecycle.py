"""What callers do with batches: start, run, cancel, retry, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.synthesizer.batches.casting import Casting
from services.synthesizer.batches.errors import (
    BatchNotCancellable,
    BatchNotOver,
    BatchNotRetriable,
    NoLinkedSources,
    NoSources,
    SourceNotLinked,
)
from services.synthesizer.batches.model import DEFAULT_SIZE, Batch, BatchSpec, BatchState, PersonaShare
from services.synthesizer.batches.ports import BatchCatalog, BatchStore
from services.synthesizer.conversations.errors import SpecInvalid
from services.synthesizer.conversations.model import Conversation, ConversationType
from services.synthesizer.conversations.opening import Limits, filled
from services.synthesizer.ports import Clock
from services.synthesizer.source import Source, SourceNotFinished
from shared.auth import Caller
from shared.errors import Violation
from shared.ids import first_id, new_id
from shared.model.events import Event
from shared.requests import RequestKey, first_result

_ABANDONED_AFTER = 86_400_000
"""Milliseconds after which nobody is still at work on a batch that is not there: a step takes half a minute at most."""


class Batches:
    """The operations on batches."""

    def __init__(
        self,
        store: BatchStore,
        catalog: BatchCatalog,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._limits = limits
        self._clock = clock

    async def start(self, spec: BatchSpec, caller: Caller, *, create_only: bool, key: RequestKey | None) -> Batch:
        """Create a batch with its conversations and, unless create_only, let it run.

        Raises what `resolve` does, NoSources, NoLinkedSources, SourceNotLinked, RequestIdReused, ResultDeleted.
        """
        if key is not None and (earlier := await self._store.earlier(caller.company, key)) is not None:
            return await first_result(key, earlier, self._store.get(caller.company, earlier))
        spec = _filled(spec, self._catalog.built_in_personas())
        spec = replace(spec, conversation=filled(spec.conversation, self._limits))
        batch = Batch(
            id=new_id(),
            company=caller.company,
            state=BatchState.CREATED if create_only else BatchState.PENDING,
            spec=spec,
            creator=caller.subject,
            create_time=self._clock(),
        )
        personas = [await self._catalog.persona(caller.company, share.persona) for share in spec.personas]
        sources = await self._sources(caller.company, spec)
        casting = Casting(batch, sources, personas, self._catalog, self._limits)
        of_each = replace(spec.conversation, revision=await casting.revision())
        batch = replace(batch, spec=replace(spec, conversation=of_each))
        name = await self._create(batch, casting, key)
        return await self._store.get(caller.company, name)

    async def remove_abandoned(self) -> None:
        """Remove what was prepared for batches by processes that were killed before they created them."""
        await self._store.remove_abandoned(first_id(self._clock() - _ABANDONED_AFTER))

    async def run(self, company: str, name: str) -> Batch:
        """Let a CREATED batch run; one that runs or ran is returned as it is."""
        batch = await self._store.get(company, name)
        if batch.state is BatchState.CREATED:
            await self._store.let_run(batch)
        return await self._store.get(company, name)

    async def cancel(self, company: str, name: str) -> Batch:
        """Cancel every conversation that is not over; raises BatchNotCancellable if the batch is completed."""
        batch = await self._store.get(company, name)
        if batch.state is BatchState.COMPLETED:
            raise BatchNotCancellable(name=name, state=batch.state)
        if batch.state is not BatchState.CANCELLED:
            # Those that wait are the jobs' to end, as those that run are: a caller does not wait for ten thousand.
            await self._store.cancel(batch)
        return await self._store.get(company, name)

    async def retry(self, company: str, name: str) -> Batch:
        """Let its FAILED conversations go on, if there are any; raises BatchNotRetriable if it was cancelled."""
        batch = await self._store.get(company, name)
        if batch.state is BatchState.CANCELLED:
            raise BatchNotRetriable(name=name)
        await self._store.retry(batch)
        return await self._store.get(company, name)

    async def delete(self, company: str, name: str) -> None:
        """Remove a batch that is over, with all that belongs to it; raises BatchNotOver, BatchStillNeeded."""
        batch = await self._store.get(company, name)
        if not batch.state.over:
            raise BatchNotOver(name=name, state=batch.state)
        if not await self._store.delete(batch):
            raise BatchNotOver(name=name, state="being retried")

    async def _create(self, batch: Batch, casting: Casting, key: RequestKey | None) -> str:
        """Store the batch; returns its name, or that of the first result for the same request.

        The first events of a large one are stored some at a time, so that nobody else's writes wait for all of them;
        the batch and its conversations are there all at once, or not at all.
        """
        conversations: list[Conversation] = []
        rest: list[tuple[Conversation, list[Event]]] = []
        name, prepared = "", False
        try:
            async for some in casting.conversations():
                if rest:
                    prepared = True
                    await self._store.prepare(rest)
                rest = some
                conversations += [conversation for conversation, _ in some]
            name = await self._store.create(batch, conversations, rest, key)
            return name
        finally:
            if prepared and name != batch.name:
                await self._store.abandon(batch)

    async def _sources(self, company: str, spec: BatchSpec) -> list[Source]:
        if spec.sources:
            named = await self._catalog.source_summaries(company, spec.sources)
            if (unfinished := next((s for s in named if not s.finished), None)) is not None:
                raise SourceNotFinished(source=unfinished.name)
            if spec.linked_revisions and (loose := next((s for s in named if not s.revision), None)):
                raise SourceNotLinked(source=loose.name)
            return named
        if spec.source_filter is None:
            return []
        found = await self._catalog.sources(company, replace(spec.source_filter, finished=True))
        if not found:
            raise NoSources
        if not spec.linked_revisions:
            return found
        linked = [source for source in found if source.revision]
        if not linked:
            raise NoLinkedSources
        return linked


def _filled(spec: BatchSpec, built_in: Sequence[str]) -> BatchSpec:
    """The spec with its defaults; raises SpecInvalid for what does not go together."""
    wrong: list[Violation] = []
    ours = "Must be empty: the batch decides it for each of its conversations."
    given: Mapping[str, bool] = {
        "source": bool(spec.conversation.source),
        "persona": bool(spec.conversation.persona),
        "external_id": bool(spec.conversation.external_id),
        "based_on": spec.conversation.based_on is not None,
    }
    wrong += [Violation(f"spec.conversation.{name}", ours) for name, is_given in given.items() if is_given]
    if spec.conversation.type is not ConversationType.SYNTHETIC:
        wrong.append(Violation("spec.conversation.type", "Must be synthetic: nobody appends to a batch by hand."))
    if spec.sources and spec.source_filter is not None:
        wrong.append(Violation("spec.source_filter", "Sources are given by name or by filter, not both."))
    if spec.linked_revisions and (spec.conversation.procedure or spec.conversation.revision):
        wrong.append(
            Violation("spec.linked_revisions", "There is one revision for all or a linked one each, not both.")
        )
    if spec.linked_revisions and not spec.sources and spec.source_filter is None:
        wrong.append(Violation("spec.linked_revisions", "Needs sources, since it is they that are linked."))
    if wrong:
        raise SpecInvalid(violations=wrong)
    personas = spec.personas or tuple(PersonaShare(name) for name in built_in)
    return replace(spec, size=spec.size or DEFAULT_SIZE, personas=personas)
