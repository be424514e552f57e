"""What a test conversation is made from and what is known of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from services.synthesizer.persona import Persona
from services.synthesizer.tool_config import ToolConfig
from shared.model.events import NO_USAGE, Ended, Resource, Usage

DEFAULT_MAX_TURNS = 20
DEFAULT_EPOCH = 1_767_603_600_000
"""Monday, 5 January 2026, 09:00 UTC, in Unix milliseconds."""
LAST_TIME = 253_402_300_799_000
"""The end of the year 9999 in Unix milliseconds: contracts know no later time, so the virtual clock stops there."""

MAX_PART = 512 << 10
"""Bytes at most of one event, of all resources together, and of a tool config: what repeats them has room for them."""


class ConversationType(StrEnum):
    """How a conversation gets its events: from a persona and an agent, or from a caller."""

    SYNTHETIC = "SYNTHETIC"
    MANUAL = "MANUAL"


class ConversationState(StrEnum):
    """Where a conversation stands."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    GENERATING = "GENERATING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    OPEN = "OPEN"

    @property
    def over(self) -> bool:
        """Whether nothing more happens unless it is retried."""
        return self in OVER


OVER = frozenset({ConversationState.COMPLETED, ConversationState.FAILED, ConversationState.CANCELLED})


class Wanted(StrEnum):
    """What somebody asked of a conversation while a job had it."""

    NOTHING = ""
    CANCEL = "CANCEL"
    FINISH = "FINISH"


@dataclass(frozen=True, slots=True)
class AgentTarget:
    """The agent under test: kind `procedure` for the built-in one, or `grpc` at address (host:port)."""

    kind: str = "procedure"
    address: str = ""
    tls: bool = False


@dataclass(frozen=True, slots=True)
class BasedOn:
    """The test conversation that is replayed up to and with the event seq."""

    conversation: str
    seq: int


@dataclass(frozen=True, slots=True)
class ConversationSpec:
    """What a conversation is made from. Empty fields are filled by `resolve`.

    procedure, source, persona: names; "" when none. revision: 0 is the newest READY one.
    epoch: where the virtual clock starts, Unix milliseconds.
    """

    type: ConversationType = ConversationType.SYNTHETIC
    procedure: str = ""
    revision: int = 0
    source: str = ""
    persona: str = ""
    tool_config: ToolConfig = field(default_factory=ToolConfig)
    resources: tuple[Resource, ...] = ()
    agent: AgentTarget | None = None
    max_turns: int = 0
    seed: int = 0
    external_id: str = ""
    based_on: BasedOn | None = None
    epoch: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A test conversation without its events.

    id: names the event log's stream. batch: the batch's id, None when it stands alone; index: its place there.
    persona: as it was when this was started; None for a manual one.
    ended: why it is over; None before. Times are Unix milliseconds, end_time 0 before the end.
    """

    id: str
    company: str
    state: ConversationState
    spec: ConversationSpec
    persona: Persona | None
    batch: str | None
    index: int
    creator: str
    create_time: int
    turns: int = 0
    last_seq: int = 0
    attempt: int = 0
    usage: Usage = NO_USAGE
    ended: Ended | None = None
    digest: str = ""
    wanted: Wanted = Wanted.NOTHING
    end_time: int = 0

    @property
    def name(self) -> str:
        """`conversations/{id}`."""
        return f"conversations/{self.id}"


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations; empty fields do not narrow."""

    state: ConversationState | None = None
    type: ConversationType | None = None
    batch: str = ""
    procedure: str = ""
    source: str = ""
    external_id: str = ""
