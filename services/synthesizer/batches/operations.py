"""What callers do with batches: start, run, cancel, retry, delete."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from services.synthesizer.batches.errors import (
    BatchNotCancellable,
    BatchNotOver,
    BatchNotRetriable,
    ConversationsNotFound,
    ExternalIdsNotFound,
    NoLinkedSources,
    NoSources,
    SourceNotLinked,
)
from services.synthesizer.batches.estimate import estimate, talk_of
from services.synthesizer.batches.model import (
    DEFAULT_MAX_IN_FLIGHT,
    DEFAULT_SIZE,
    Again,
    Batch,
    BatchSpec,
    BatchState,
    Estimate,
    PersonaShare,
)
from services.synthesizer.batches.start import NewConversations
from services.synthesizer.batches.store import BatchStore
from services.synthesizer.conversations.campaign_target import contact_count
from services.synthesizer.conversations.catalog import Catalog
from services.synthesizer.conversations.errors import SpecInvalid
from services.synthesizer.conversations.model import Conversation, ConversationState, ConversationType
from services.synthesizer.conversations.start import (
    Limits,
    check_features,
    check_preview,
    with_campaigns,
    with_defaults,
)
from services.synthesizer.sources.errors import SourceNotFinished
from services.synthesizer.sources.model import Source
from shared.auth import Caller
from shared.clock import Clock
from shared.errors import Violation
from shared.ids import first_id, new_id
from shared.llm.prices import Prices
from shared.model.events import Event
from shared.model.spending import Budget
from shared.requests import RequestKey, first_result

_ABANDONED_AFTER = 86_400_000
"""Milliseconds. A process that prepares a batch for longer than this was killed; one page takes 30 seconds at most."""

_SAMPLED = 50
"""How many conversations an estimate looks at."""

_LISTED = 10
"""How many external ids an error lists."""


class Batches:
    """The operations on batches. calls_out: True for a model that costs something, by its name."""

    def __init__(
        self,
        store: BatchStore,
        catalog: Catalog,
        limits: Limits,
        clock: Clock,
        calls_out: Callable[[str], bool],
        prices: Prices,
    ) -> None:
        self._store = store
        self._calls_out = calls_out
        self._prices = prices
        self._catalog = catalog
        self._limits = limits
        self._clock = clock

    async def start(self, spec: BatchSpec, caller: Caller, *, create_only: bool, key: RequestKey | None) -> Batch:
        """Create a batch with its conversations and start it unless create_only.

        Raises what `resolve` does, FeatureOff, NoSources, ExternalIdsNotFound, NoLinkedSources, SourceNotLinked,
        RequestIdReused, ResultDeleted.
        """
        if key is not None and (earlier := await self._store.earlier(caller.company, key)) is not None:
            return await first_result(key, earlier, self._store.get(caller.company, earlier))
        spec = self._complete(spec, caller)
        await check_features(spec.conversation, caller.company, self._limits)
        conversation = await with_campaigns(spec.conversation, caller.company, self._catalog)
        spec = replace(spec, conversation=conversation)
        batch = Batch(
            id=new_id(),
            company=caller.company,
            state=BatchState.CREATED if create_only else BatchState.PENDING,
            spec=spec,
            creator=caller.subject,
            create_time=self._clock(),
        )
        new = await self._new(batch)
        of_each = replace(spec.conversation, revision=await new.revision())
        batch = replace(batch, spec=replace(spec, conversation=of_each))
        name = await self._create(batch, new, key)
        return await self._store.get(caller.company, name)

    async def estimate(self, spec: BatchSpec, caller: Caller) -> Estimate:
        """What the models of a batch will cost, from a sample of its conversations. Raises what `start` does."""
        company, spec = caller.company, self._complete(spec, caller)
        batch = Batch(new_id(), company, BatchState.CREATED, replace(spec, size=min(spec.size, _SAMPLED)), "", 0)
        new = await self._new(batch)
        made = [conversation async for page in new.pages() for conversation, _ in page]
        names = sorted({one.spec.source for one in made if one.spec.source})
        contents = await self._catalog.source_contents(company, names)
        sources = {content.source.name: content for content in contents}
        talks = []
        for one in made:
            assert one.persona is not None
            revision = None
            if one.spec.procedure:
                _, revision = await self._catalog.revision(company, one.spec.procedure, one.spec.revision)
            talks.append(talk_of(one.persona, sources.get(one.spec.source), revision, one.spec.max_turns))
        return estimate(spec, talks, self._calls_out, self._prices)

    async def remove_abandoned(self) -> None:
        """Delete the events of batches that were never created, because their process was killed."""
        await self._store.remove_abandoned(first_id(self._clock() - _ABANDONED_AFTER))

    async def run(self, company: str, name: str, first: int) -> Batch:
        """Start those of the `first` conversations by index that are CREATED; of all if it is 0."""
        batch = await self._store.get(company, name)
        if ConversationState.CREATED in batch.counts:
            await self._store.let_run(batch, first)
        return await self._store.get(company, name)

    async def cancel(self, company: str, name: str, *, not_needed: bool) -> Batch:
        """Cancel every conversation that is not over. Raises BatchNotCancellable if the batch is COMPLETED.

        not_needed: only those that are CREATED; the others go on.
        """
        batch = await self._store.get(company, name)
        if batch.state is BatchState.COMPLETED:
            raise BatchNotCancellable(name=name, state=batch.state)
        if batch.state is not BatchState.CANCELLED:
            # Jobs close the conversations, so Cancel returns at once even for 10,000.
            await (self._store.leave_out(batch) if not_needed else self._store.cancel(batch))
        return await self._store.get(company, name)

    async def retry(self, company: str, name: str) -> Batch:
        """Resume its FAILED conversations, if any. Raises BatchNotRetriable if it was cancelled."""
        batch = await self._store.get(company, name)
        if batch.state is BatchState.CANCELLED:
            raise BatchNotRetriable(name=name)
        await self._store.retry(batch)
        return await self._store.get(company, name)

    async def delete(self, company: str, name: str) -> None:
        """Delete a batch that is over, with its conversations. Raises BatchNotOver, BatchStillNeeded."""
        batch = await self._store.get(company, name)
        if not batch.state.over:
            raise BatchNotOver(name=name, state=batch.state)
        if not await self._store.delete(batch):
            raise BatchNotOver(name=name, state="being retried")

    def _complete(self, spec: BatchSpec, caller: Caller) -> BatchSpec:
        """The spec with every default that needs no query. Raises SpecInvalid, PreviewRefused."""
        check_preview(spec.conversation, caller)
        spec = _filled(spec, self._catalog.built_in_personas())
        spec = replace(spec, conversation=with_defaults(spec.conversation, self._limits))
        self._check_prices(spec)
        return spec

    async def _new(self, batch: Batch) -> NewConversations:
        """The conversations of a batch to be. Raises what `start` does."""
        company, spec = batch.company, batch.spec
        if spec.again is not None:
            return await self._again(batch, spec.again)
        personas = [await self._catalog.persona(company, share.persona) for share in spec.personas]
        return NewConversations(batch, await self._sources(company, spec), personas, self._catalog, self._limits)

    async def _again(self, batch: Batch, again: Again) -> NewConversations:
        """The conversations of a batch that plays others again. Raises BatchNotFound, ConversationsNotFound."""
        company = batch.company
        earlier = await self._store.get(company, again.batch)
        rows = await self._store.conversations(earlier, -1, again.indexes[-1] + 1)
        played = {row.index: row.spec for row in rows}
        if (missing := next((one for one in again.indexes if one not in played), None)) is not None:
            raise ConversationsNotFound(name=again.batch, index=missing)
        specs = {index: played[index] for index in again.indexes}
        sources = sorted({spec.source for spec in specs.values() if spec.source})
        personas = sorted({spec.persona for spec in specs.values()})
        places = [
            (index, sources.index(spec.source) if spec.source else 0, personas.index(spec.persona))
            for index, spec in specs.items()
        ]
        return NewConversations(
            batch,
            await self._sources(company, replace(batch.spec, sources=tuple(sources))),
            [await self._catalog.persona(company, name) for name in personas],
            self._catalog,
            self._limits,
            places,
        )

    def _check_prices(self, spec: BatchSpec) -> None:
        """Refuse a budget in money for models without a price, which would never be reached. Raises SpecInvalid."""
        if spec.budget is None or spec.budget.nanos is None:
            return
        models = (spec.conversation.persona_model, spec.conversation.agent_model)
        free = next((one for one in models if self._calls_out(one) and self._prices.find(one) is None), None)
        if free is not None:
            sentence = f"The server's price file has no price for {free}; add one, or set a budget of tokens."
            raise SpecInvalid(violations=[Violation("spec.budget.nanos", sentence)])

    async def _create(self, batch: Batch, new: NewConversations, key: RequestKey | None) -> str:
        """Store the batch and return its name, or the name that the same request created before.

        The first events are stored a page at a time, so that other writes need not wait for all of them. The last
        transaction creates the batch and all its conversations.
        """
        conversations: list[Conversation] = []
        rest: list[tuple[Conversation, list[Event]]] = []
        name, prepared = "", False
        try:
            async for some in new.pages():
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
        if missing := sorted({*spec.source_filter.external_ids} - {source.external_id for source in found}):
            raise ExternalIdsNotFound(external_ids=", ".join(missing[:_LISTED]))
        if not found:
            raise NoSources
        if not spec.linked_revisions:
            return found
        linked = [source for source in found if source.revision]
        if not linked:
            raise NoLinkedSources
        return linked


def _filled(spec: BatchSpec, built_in: Sequence[str]) -> BatchSpec:
    """The spec with its defaults. Raises SpecInvalid for fields that exclude each other."""
    wrong: list[Violation] = []
    ours = "Must be empty; the batch sets it for each conversation."
    given: Mapping[str, bool] = {
        "source": bool(spec.conversation.source),
        "persona": bool(spec.conversation.persona),
        "external_id": bool(spec.conversation.external_id),
        "based_on": spec.conversation.based_on is not None,
    }
    wrong += [Violation(f"spec.conversation.{name}", ours) for name, is_given in given.items() if is_given]
    if spec.conversation.type is not ConversationType.SYNTHETIC:
        wrong.append(Violation("spec.conversation.type", "Must be synthetic; a batch has no manual conversations."))
    if spec.sources and spec.source_filter is not None:
        wrong.append(Violation("spec.source_filter", "Name sources or set a filter, not both."))
    if spec.linked_revisions and (spec.conversation.procedure or spec.conversation.revision):
        wrong.append(Violation("spec.linked_revisions", "Set linked_revisions or a procedure for all, not both."))
    if spec.linked_revisions and not spec.sources and spec.source_filter is None and spec.again is None:
        wrong.append(Violation("spec.linked_revisions", "Needs sources, because revisions are linked to sources."))
    if spec.again is not None:
        taken = {
            "sources": spec.sources,
            "source_filter": spec.source_filter,
            "personas": spec.personas,
            "size": spec.size,
        }
        ours = "Must be empty; it is that of the conversations that are played again."
        wrong += [Violation(f"spec.{name}", ours) for name, value in taken.items() if value]
    if spec.budget == Budget():
        wrong.append(Violation("spec.budget", "Set tokens, nanos, or both."))
    if wrong:
        raise SpecInvalid(violations=wrong)
    personas = spec.personas or tuple(PersonaShare(name) for name in built_in)
    if spec.again is not None:
        personas = ()
    return replace(
        spec,
        size=len(spec.again.indexes)
        if spec.again
        else spec.size or contact_count(spec.conversation.agent) or DEFAULT_SIZE,
        max_in_flight=spec.max_in_flight or DEFAULT_MAX_IN_FLIGHT,
        personas=personas,
    )
