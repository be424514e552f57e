"""Tool configs: what each tool answers during a rehearsal, and whether that fits a revision."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.model.events import Json, ToolAnswer


@dataclass(frozen=True, slots=True)
class ToolRule:
    """Answers a call whose arguments have each member of `match` with an equal value; an empty match has every call.

    Objects inside match the same way; strings are equal without regard to case and outer white space.
    """

    answer: ToolAnswer
    match: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolMock:
    """What one tool answers: the first rule that matches, else the default, else nothing."""

    tool: str
    rules: tuple[ToolRule, ...] = ()
    default: ToolAnswer | None = None


@dataclass(frozen=True, slots=True)
class ToolConfig:
    """What each tool answers; `default` is for what nothing else answers.

    ignore_recorded_calls: the calls recorded in the source are not to serve as mocks.
    """

    mocks: tuple[ToolMock, ...] = ()
    default: ToolAnswer | None = None
    ignore_recorded_calls: bool = False
