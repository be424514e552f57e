"""Batches: their specs and states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.synthesizer.conversations.model import ConversationSpec, ConversationState
from services.synthesizer.sources.model import SourceFilter
from shared.model.events import NO_USAGE, Usage
from shared.model.spending import Budget

DEFAULT_SIZE = 50
DEFAULT_MAX_IN_FLIGHT = 50


class BatchState(StrEnum):
    """The state of a batch."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"

    @property
    def over(self) -> bool:
        """True if nothing more happens without a retry."""
        return self in (BatchState.COMPLETED, BatchState.CANCELLED)


@dataclass(frozen=True, slots=True)
class PersonaShare:
    """A persona and its weight relative to the others."""

    persona: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Again:
    """Conversations of an earlier batch that are played again, by name and indexes, in order."""

    batch: str
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """What a batch is made from.

    conversation: the spec that all its conversations share.
    sources, source_filter: set one of them, or none if the personas open.
    linked_revisions: True if each conversation has the revision that its source is linked to.
    personas: the mix; empty means the built-in ones in equal shares. size: 0 is 50.
    max_in_flight: how many of its conversations may run at once; 0 is 50.
    again: instead of sources, personas and size.
    """

    conversation: ConversationSpec = field(default_factory=ConversationSpec)
    sources: tuple[str, ...] = ()
    source_filter: SourceFilter | None = None
    linked_revisions: bool = False
    personas: tuple[PersonaShare, ...] = ()
    size: int = 0
    max_in_flight: int = 0
    external_id: str = ""
    labels: tuple[str, ...] = ()
    budget: Budget | None = None
    again: Again | None = None


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """Which batches to select; an empty field selects all.

    external_ids: one of these. labels: all of these. procedure, revision: of one of its conversations.
    """

    state: BatchState | None = None
    external_id: str = ""
    external_ids: tuple[str, ...] = ()
    external_id_prefix: str = ""
    labels: tuple[str, ...] = ()
    procedure: str = ""
    revision: int = 0
    agent_pull_request: int = 0
    persona_agent_pull_request: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch. Times are Unix milliseconds.

    reason: BUDGET_REACHED if that ended one of its conversations, else "".
    counts: its conversations by state; their sum is the size. repeats: agent messages that repeat an earlier one.
    flags: of the personas' replies.
    """

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
    repeats: int = 0
    reason: str = ""
    flags: int = 0

    @property
    def name(self) -> str:
        """`batches/{id}`."""
        return f"batches/{self.id}"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the models of a batch will cost. low, high: of shorter and of longer conversations than expected.

    currency: of nanos, three letters. unpriced: models whose price is not known, so that they count as free.
    """

    expected: Usage
    low: Usage
    high: Usage
    currency: str
    unpriced: tuple[str, ...]
