"""What conversations need of the store."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.synthesizer.conversations.model import Conversation, ConversationFilter, ConversationState, Wanted
from shared.db.eventlog import StoredEvent
from shared.engine.jobs import Job
from shared.model.conversation import State
from shared.model.events import Event
from shared.requests import RequestKey


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a conversation stands after an append: its state, the fold, its digest once it is over, and now."""

    state: ConversationState
    fold: State
    digest: str
    at: int


class ConversationReads(Protocol):
    """What callers read. All raise StoreUnavailable."""

    async def get(self, company: str, name: str) -> Conversation:
        """The conversation; raises ConversationNotFound."""
        ...

    async def page(
        self, company: str, wanted: ConversationFilter, after: str | None, size: int
    ) -> Sequence[Conversation]:
        """Up to size conversations after an id, oldest first."""
        ...

    async def stored_events(self, conversation: Conversation, after_seq: int, limit: int) -> Sequence[StoredEvent]:
        """Up to limit events after a seq (0 for the first), in order."""
        ...


class ConversationStore(Protocol):
    """Conversations at rest. Every method is one transaction; all raise StoreUnavailable."""

    async def get(self, company: str, name: str) -> Conversation:
        """The conversation; raises ConversationNotFound."""
        ...

    async def find(self, conversation_id: str) -> Conversation | None:
        """The conversation of that id, whosever it is; None when it was deleted. For jobs, not for callers."""
        ...

    async def take_up(self, conversation_id: str) -> tuple[Conversation, list[Event]] | None:
        """The same with all its events, in one look at the store."""
        ...

    async def events(self, conversation: Conversation, up_to: int | None = None) -> list[Event]:
        """All events in order, or those up to and with a seq."""
        ...

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """The name that the same request made before; None if it is new. Raises RequestIdReused."""
        ...

    async def create(self, conversation: Conversation, events: Sequence[Event], key: RequestKey | None) -> str:
        """Store it with its first events and return its name, or that of the first result for the same request.

        Raises RequestIdReused.
        """
        ...

    async def append(
        self,
        conversation: Conversation,
        events: Sequence[Event],
        progress: Progress,
        *,
        final: bool = False,
        key: RequestKey | None = None,
    ) -> None:
        """Append events that follow one another, with the row's new state.

        final: they are taken although the conversation was asked to stop.
        Raises AppendConflict when other events stand there or the same request appended before, StreamInterrupted when
        it was asked to stop, StreamNotFound when it was deleted.
        """
        ...

    async def appended(self, company: str, key: RequestKey) -> tuple[int, int] | None:
        """The first and last seq that the same request appended before; None if it is new. Raises RequestIdReused."""
        ...

    async def let_run(self, conversation: Conversation) -> None:
        """Make it PENDING if it is CREATED."""
        ...

    async def want(self, conversation: Conversation, wanted: Wanted) -> None:
        """Ask whoever runs it to stop, unless it is over; who asked for its end before is not overruled by FINISH."""
        ...

    async def retry(self, conversation: Conversation) -> bool:
        """Make it PENDING again if it is FAILED and its batch was not cancelled; whether that was so."""
        ...

    async def delete(self, conversation: Conversation) -> bool:
        """Remove it with its events for good if it is over; whether it was. Raises StillNeeded."""
        ...

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Jobs to take up: of every company and batch the first ones by index, without the running ones."""
        ...

    async def cancelled(self, running: Collection[str]) -> Collection[str]:
        """Those of the running ones that somebody asked to cancel."""
        ...
