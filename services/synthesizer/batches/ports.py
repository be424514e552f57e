"""What batches need of the catalog and the store."""

from collections.abc import Collection, Sequence
from typing import Protocol

from services.synthesizer.batches.model import Batch, BatchState
from services.synthesizer.conversations.model import Conversation, ConversationState
from services.synthesizer.conversations.opening import Catalog
from services.synthesizer.ports import SourceFilter
from services.synthesizer.source import Source, SourceConversation
from shared.model.events import Event
from shared.requests import RequestKey


class BatchCatalog(Catalog, Protocol):
    """What a batch looks up beside what its conversations do."""

    def built_in_personas(self) -> Sequence[str]:
        """The names of the personas that come with Greenroom."""
        ...

    async def sources(self, company: str, which: SourceFilter) -> list[Source]:
        """All sources that match, oldest first."""
        ...

    async def source_summaries(self, company: str, names: Sequence[str]) -> list[Source]:
        """The sources of these names, in their order, without their content; raises NotFound."""
        ...

    async def source_contents(self, company: str, names: Sequence[str]) -> list[SourceConversation]:
        """The sources of these names, in their order; raises NotFound."""
        ...


class BatchStore(Protocol):
    """Batches at rest. Every method is one transaction; all raise StoreUnavailable."""

    async def get(self, company: str, name: str) -> Batch:
        """The batch with its counts; raises BatchNotFound."""
        ...

    async def page(
        self, company: str, state: BatchState | None, external_id: str, after: str | None, size: int
    ) -> list[Batch]:
        """Up to size batches after an id, oldest first."""
        ...

    async def head(self, batch: Batch) -> int:
        """The position of the last event of its conversations; 0 before the first."""
        ...

    async def is_over(self, batch: Batch) -> bool:
        """Whether every conversation of it is over; a batch that was deleted meanwhile is over too."""
        ...

    async def prepare(self, some: Sequence[tuple[Conversation, Sequence[Event]]]) -> None:
        """Store the first events of some conversations of a batch that is to be created.

        Nobody finds any of it before that.
        """
        ...

    async def create(
        self,
        batch: Batch,
        created: Sequence[Conversation],
        rest: Sequence[tuple[Conversation, Sequence[Event]]],
        key: RequestKey | None,
    ) -> str:
        """Store it with its conversations and return its name, or that of the first result for the same request.

        rest: those whose first events were not prepared. Raises RequestIdReused, PersonaNotFound, SourceNotFound.
        """
        ...

    async def abandon(self, batch: Batch) -> None:
        """Remove what was prepared for a batch, unless it was created."""
        ...

    async def remove_abandoned(self, before: str) -> None:
        """Remove what was prepared for batches with ids before this one that were never created."""
        ...

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """The name that the same request made before; None if it is new. Raises RequestIdReused."""
        ...

    async def let_run(self, batch: Batch) -> None:
        """Make it PENDING if it is CREATED, with its conversations."""
        ...

    async def cancel(self, batch: Batch) -> None:
        """Ask all its conversations to stop, and note that it is to be CANCELLED; unless it is over."""
        ...

    async def retry(self, batch: Batch) -> None:
        """Make its FAILED conversations PENDING again, and it RUNNING if there are any."""
        ...

    async def delete(self, batch: Batch) -> bool:
        """Remove it with its conversations and their events for good if it is over; whether it was.

        Raises BatchStillNeeded.
        """
        ...

    async def conversations(
        self, batch: Batch, after_index: int, size: int, states: Collection[ConversationState] = ()
    ) -> list[Conversation]:
        """Up to size conversations after an index (-1 for the first), in the order of their indexes."""
        ...
