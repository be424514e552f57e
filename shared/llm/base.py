"""The port to language models: one request in, one reply out. Providers are adapters beside this file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from shared.errors import GreenroomError, Unavailable
from shared.model.events import NO_USAGE, Json, Usage
from shared.model.steps import Step, Tool


class ModelUnavailable(Unavailable):
    """The model {model} does not answer now; the call is tried again."""

    reason = "MODEL_UNAVAILABLE"


class ModelRefused(GreenroomError):
    """The model {model} refused the request or answered with what cannot be used."""

    code = "FAILED_PRECONDITION"
    reason = "MODEL_REFUSED"


SILENCE = "(no answer)"
"""The text of a user's message that stands for silence: a model must be told that it is its turn."""


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """The model asks for a tool."""

    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a chat model reads it.

    role: `user` is the other side, `assistant` the model itself, `tool` an answer to its call.
    call: the tool call, in an assistant message that is one; its text is empty then.
    result: the JSON that the tool answered, in a tool message; an error is `{"error": {"code", "message"}}`.
    """

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    call: ToolRequest | None = None
    result: Json = None


@dataclass(frozen=True, slots=True)
class PersonaBrief:
    """What the system text of a persona was rendered from.

    Fields as in a persona; response_length SHORT, MEDIUM or LONG; objection_likelihood LOW, MEDIUM or HIGH.
    opening: what the real customer said before the synthetic conversation leaves the source.
    material: what the real customer said after that, each with what the agent had said just before ("" if nothing).
    """

    display_name: str
    description: str
    tone: str
    response_length: str
    objection_likelihood: str
    behaviour_traits: tuple[str, ...]
    goal: str
    opening: tuple[str, ...] = ()
    material: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AgentBrief:
    """What the system text of the procedure agent was rendered from."""

    instructions: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question to a model.

    system: the system text.
    messages: the conversation as the model's role sees it, oldest first.
    tools: what it may ask for.
    seed, index, seq: name the draw, for models that can be told; see shared.model.draws.
    brief: the facts behind the system text, for a model that reads no prose.
    """

    model: str
    system: str
    messages: Sequence[Message]
    tools: Sequence[Tool]
    seed: int
    index: int
    seq: int
    brief: PersonaBrief | AgentBrief


@dataclass(frozen=True, slots=True)
class ChatReply:
    """The model's answer: text, or a tool it asks for (then the text is empty)."""

    text: str = ""
    call: ToolRequest | None = None
    usage: Usage = NO_USAGE


class ChatModel(Protocol):
    """A model that can be asked. Adapters raise ModelUnavailable for what may pass, ModelRefused for what will not."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer the request."""
        ...


STAY_SILENT = Tool("stay_silent", "Do not answer this time.")
LEAVE = Tool(
    "leave",
    "Leave the conversation for good, saying one last thing first when `text` is not empty.",
    {"type": "object", "properties": {"text": {"type": "string"}}},
)
"""What a persona may do beside speaking."""

END_CONVERSATION = Tool(
    "end_conversation",
    "End the conversation, saying one last thing first when `text` is not empty.",
    {"type": "object", "properties": {"text": {"type": "string"}}},
)
"""What the procedure agent may do beside speaking and calling its tools."""
