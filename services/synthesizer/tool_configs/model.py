"""Tool configs: what each tool answers in a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.events import Json, ToolAnswer, ToolError


class Unmatched(StrEnum):
    """What happens to a call that nothing answers: the conversation fails, or the agent sees an error."""

    FAIL = "FAIL"
    TOOL_ERROR = "TOOL_ERROR"


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a tool takes: between `least` and `most` virtual milliseconds."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Failure:
    """An injected failure. probability: above 0, up to 1. changes_kept: how many patches of the answer are applied."""

    error: ToolError
    probability: float = 1.0
    changes_kept: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a rule answers.

    kind: the name of the kind's field in the ToolReply message. config: that field as proto JSON.
    """

    kind: str
    config: Json
    latency: Latency | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ToolRule:
    """Answers a call whose arguments have every member of `match` with an equal value. An empty `match` fits all calls.

    Objects inside match the same way. Strings are compared without case and outer white space.
    condition: CEL over the arguments that must hold as well; "" if none.
    A rule has either `answer` or replies: the first call gets the first reply, calls after the last one get the last.
    """

    answer: ToolAnswer | None = None
    match: Mapping[str, Json] = field(default_factory=dict)
    condition: str = ""
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolMock:
    """What one tool answers: the first rule that matches, else the default."""

    tool: str
    rules: tuple[ToolRule, ...] = ()
    default: ToolAnswer | None = None


@dataclass(frozen=True, slots=True)
class ToolConfig:
    """What each tool answers. default: for calls that nothing else answers.

    ignore_recorded_calls: True if the calls recorded in the source do not serve as mocks.
    """

    mocks: tuple[ToolMock, ...] = ()
    default: ToolAnswer | None = None
    ignore_recorded_calls: bool = False
    unmatched: Unmatched = Unmatched.FAIL
