"""Conversations: their specs, states and progress."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256

from services.synthesizer.personas.model import Persona
from services.synthesizer.tool_configs.model import ToolConfig
from shared.hosts import PULL_REQUEST
from shared.model.conversation import State
from shared.model.events import NO_USAGE, Ended, Json, Resource, Usage
from shared.model.recording import Recording

DEFAULT_MAX_TURNS = 20
DEFAULT_EPOCH = 1_767_603_600_000
"""Monday, 5 January 2026, 09:00 UTC, in Unix milliseconds."""
LAST_TIME = 253_402_300_799_000
"""The end of the year 9999 in Unix milliseconds. Timestamps allow no later time, so the virtual clock stops there."""

MAX_PART = 512 << 10
"""The most bytes of one event, of all resources together, and of a tool config; messages with several fit 4 MiB."""


class ConversationType(StrEnum):
    """Who writes a conversation's events: a persona and an agent, or a caller."""

    SYNTHETIC = "SYNTHETIC"
    MANUAL = "MANUAL"


class ConversationState(StrEnum):
    """The state of a conversation."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    GENERATING = "GENERATING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    OPEN = "OPEN"

    @property
    def over(self) -> bool:
        """True if nothing more happens without a retry."""
        return self in OVER


OVER = frozenset({ConversationState.COMPLETED, ConversationState.FAILED, ConversationState.CANCELLED})


class Wanted(StrEnum):
    """How a caller asked a conversation to end."""

    NOTHING = ""
    CANCEL = "CANCEL"
    FINISH = "FINISH"
    LEAVE_OUT = "LEAVE_OUT"


NOT_NEEDED = "NOT_NEEDED"
"""The reason of a conversation of a batch that was left out before it began. It is in no export."""


_LONG_KEY = 5_000
BUILT_IN_AGENT = "procedure_agent"
"""The kind of the built-in agent, which follows the procedure's revision."""


@dataclass(frozen=True, slots=True)
class AgentTarget:
    """The agent under test, or the customer that plays the persona.

    kind: the name of the kind's field in the AgentTarget message.
    config: the set fields of the kind's message, by name.
    max_in_flight: how many of the company's conversations may run with it at once; 0 sets no limit.
    pull_request: the one whose preview this is; 0 if it is none, or if its address still is a template.
    """

    kind: str = BUILT_IN_AGENT
    config: Mapping[str, Json] = field(default_factory=dict)
    max_in_flight: int = 0
    pull_request: int = 0

    @property
    def is_template(self) -> bool:
        """True if the number of a pull request is missing in its address."""
        return any(isinstance(value, str) and PULL_REQUEST in value for value in self.config.values())

    def preview(self, pull_request: int) -> "AgentTarget":
        """The target with the number of a pull request in its address; the target itself for 0."""
        if not pull_request:
            return self
        config = {
            name: value.replace(PULL_REQUEST, str(pull_request)) if isinstance(value, str) else value
            for name, value in self.config.items()
        }
        return replace(self, config=config, pull_request=pull_request)

    @property
    def key(self) -> str:
        """Equal for targets that are the same agent: what it is, or a digest if that is long."""
        what = json.dumps([self.kind, self.config], sort_keys=True)
        return what if len(what) <= _LONG_KEY else sha256(what.encode()).hexdigest()


class Side(StrEnum):
    """A side of a conversation."""

    USER = "USER"
    AGENT = "AGENT"


@dataclass(frozen=True, slots=True)
class BasedOn:
    """The test conversation whose events up to and including `seq` are replayed."""

    conversation: str
    seq: int


@dataclass(frozen=True, slots=True)
class ConversationSpec:
    """What a conversation is made from. `resolve` fills empty fields with defaults.

    procedure, source, persona: names; "" if none. revision: 0 is the newest READY one.
    epoch: the start of the virtual clock, Unix milliseconds.
    model: of the persona and the procedure agent where persona_model or agent_model is empty.
    persona_target: plays the persona; None if its model does.
    agent_pull_request, persona_agent_pull_request: whose previews of the two targets are called; 0 if none.
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
    persona_model: str = ""
    agent_model: str = ""
    recording: Recording = Recording.RECORD
    mock_resources: tuple[str, ...] = ()
    persona_target: AgentTarget | None = None
    agent_pull_request: int = 0
    persona_agent_pull_request: int = 0

    @property
    def called_agent(self) -> AgentTarget | None:
        """The agent with its pull request filled in."""
        return self.agent and self.agent.preview(self.agent_pull_request)

    @property
    def called_persona_target(self) -> AgentTarget | None:
        """The persona target with its pull request filled in."""
        return self.persona_target and self.persona_target.preview(self.persona_agent_pull_request)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A test conversation without its events.

    id: also the id of its event log. batch: the batch's id, None for a single conversation. index: its index there.
    batch_limit: how many conversations of its batch may run at once; 0 sets no limit.
    repeats: how many messages of the agent repeat an earlier one. flags: how many the persona's replies have.
    persona: a copy from when it was started; None for a manual one.
    ended: None while it is not over. Times are Unix milliseconds; end_time is 0 before the end.
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
    repeats: int = 0
    flags: int = 0
    last_seq: int = 0
    attempt: int = 0
    usage: Usage = NO_USAGE
    ended: Ended | None = None
    digest: str = ""
    wanted: Wanted = Wanted.NOTHING
    end_time: int = 0
    batch_limit: int = 0

    @property
    def name(self) -> str:
        """`conversations/{id}`."""
        return f"conversations/{self.id}"


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations to list; empty fields match all. revision: of `procedure`."""

    state: ConversationState | None = None
    type: ConversationType | None = None
    batch: str = ""
    procedure: str = ""
    source: str = ""
    external_id: str = ""
    revision: int = 0
    agent_pull_request: int = 0
    persona_agent_pull_request: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """What the row of a conversation holds after an append.

    fold: the fold of all its events. digest: empty until the conversation is over. at: now, in Unix milliseconds.
    """

    state: ConversationState
    fold: State
    digest: str
    at: int
