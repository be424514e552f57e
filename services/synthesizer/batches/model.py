"""What a batch is made from and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.synthesizer.conversations.model import ConversationSpec, ConversationState
from services.synthesizer.ports import SourceFilter
from shared.model.events import NO_USAGE, Usage

DEFAULT_SIZE = 50


class BatchState(StrEnum):
    """Where a batch stands."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"

    @property
    def over(self) -> bool:
        """Whether nothing more happens unless it is retried."""
        return self in (BatchState.COMPLETED, BatchState.CANCELLED)


@dataclass(frozen=True, slots=True)
class PersonaShare:
    """A persona and its weight relative to the others."""

    persona: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """What a batch is made from.

    conversation: what all its conversations have in common.
    sources: names; or source_filter; or neither, and the personas open.
    linked_revisions: each conversation gets the revision that its source's importer linked it to.
    personas: the mix; empty is the built-in ones alike. size: 0 is 50.
    """

    conversation: ConversationSpec = field(default_factory=ConversationSpec)
    sources: tuple[str, ...] = ()
    source_filter: SourceFilter | None = None
    linked_revisions: bool = False
    personas: tuple[PersonaShare, ...] = ()
    size: int = 0
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch. counts: its conversations by state, which add up to the size. Times are Unix milliseconds."""

    id: str
    company: str
    state: BatchState
    spec: BatchSpec
    creator: str
    create_time: int
    end_time: int = 0
    counts: Mapping[ConversationState, int] = field(default_factory=dict)
    usage: Usage = NO_USAGE
    turns: int = 0

    @property
    def name(self) -> str:
        """`batches/{id}`."""
        return f"batches/{self.id}"
