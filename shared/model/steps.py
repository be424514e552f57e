"""What an agent must do, step by step, and the tools it may call: the structured part of a procedure's revision."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.model.events import Json

Schema = Mapping[str, Json]
"""A JSON Schema; empty allows everything."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the agent may call; `required` when no rehearsal may start without a mock for it."""

    name: str
    description: str = ""
    arguments_schema: Schema = field(default_factory=dict)
    result_schema: Schema = field(default_factory=dict)
    required: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """Say something: a Liquid template over the slots filled so far."""

    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a slot, unless the user has said its value already.

    schema: of the value; a string when empty.
    optional: go on without it if the user does not say it when asked.
    """

    slot: str
    question: str
    schema: Schema = field(default_factory=dict)
    optional: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """Call a tool; `arguments` maps each argument's name to the slot that fills it, unfilled ones are left out."""

    tool: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """Go on at step `then` if the CEL condition holds, else at `otherwise`, or the next one when that is empty."""

    condition: str
    then: str
    otherwise: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """End the conversation, saying something first when text is not empty."""

    text: str = ""
    id: str = ""


Step = Say | Ask | Call | Branch | End
