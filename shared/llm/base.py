"""The requests and replies of all language models; `providers` connects to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from shared.errors import FailedPrecondition, GreenroomError, Unavailable
from shared.llm.briefs import AgentBrief, GenerationBrief, JudgeBrief, PersonaBrief, ReviewBrief
from shared.model.events import NO_USAGE, Json, Usage
from shared.model.steps import Tool


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What a provider's answer said of its rate limits; None where it said nothing.

    requests, tokens: how many are allowed, usually each minute. requests_left, tokens_left: how many of them are left.
    requests_reset, tokens_reset: the seconds until all are left again.
    """

    requests: int | None = None
    requests_left: int | None = None
    requests_reset: float | None = None
    tokens: int | None = None
    tokens_left: int | None = None
    tokens_reset: float | None = None


class ModelUnavailable(Unavailable):
    """The model {model} does not answer now: {why}."""

    reason = "MODEL_UNAVAILABLE"
    retry_after: float | None = None
    """The seconds after which the provider wants to be asked again, if it said so."""
    throttled: bool = False
    """True if the provider refused because it was asked too often."""
    limits: RateLimits | None = None
    """The provider's rate limits, if it said them."""


class ModelFailed(GreenroomError):
    """The model {model} gave no usable answer: {why}."""

    code = "FAILED_PRECONDITION"
    reason = "MODEL_FAILED"


class ModelRefused(ModelFailed):
    """The provider of the model {model} refused the request: {why}."""

    reason = "MODEL_REFUSED"


class ModelDenied(ModelRefused):
    """The provider of the model {model} does not let this server use it: {why}."""

    reason = "MODEL_DENIED"


class ModelDeclined(ModelFailed):
    """The model {model} declined to answer: {why}."""

    reason = "MODEL_DECLINED"


class ModelTruncated(ModelFailed):
    """The answer of the model {model} was cut after {tokens} tokens: {why}."""

    reason = "MODEL_TRUNCATED"


class ModelUnusable(ModelFailed):
    """The answer of the model {model} cannot be used: {why}."""

    reason = "MODEL_UNUSABLE"


class StepUnusable(FailedPrecondition):
    """A step of the procedure cannot be played: {why}"""

    reason = "STEP_UNUSABLE"


class StepTooMuchWork(FailedPrecondition):
    """A step of the procedure takes too much work; make its loops, conditions or patterns smaller."""

    reason = "STEP_TOO_MUCH_WORK"


SILENCE = "(no answer)"
"""The text of a user message for silence. A model needs a message to know that it is its turn."""


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """The model calls a tool.

    id: names the call in later messages; "" in a model's new reply.
    problem: a sentence for the model if what it wrote is no JSON object; `arguments` is empty then.
    """

    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    id: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a chat model reads it.

    role: `user` is the other side, `assistant` the model itself, `tool` the answer to its call.
    call: an assistant message's tool call; its text is empty then. Neighbouring assistant messages are one answer.
    result: a tool message's JSON; an error is `{"error": {"code", "message"}}`. call_id: the call it answers.
    """

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    call: ToolRequest | None = None
    result: Json = None
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """The model must answer with JSON of this schema.

    name: letters, digits, _ and -. schema: objects that require all their properties and allow no others, and no
    references, so that every provider understands it.
    """

    name: str
    schema: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a model is asked.

    batch, conversation: names, "" if none. attempt: of the conversation; a retry asks again what it recorded before.
    """

    company: str = ""
    batch: str = ""
    conversation: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request to a model.

    model: its full name. system: the system text. messages: oldest first. tools: what it may call.
    seed, index, seq: seed the model's random choices, if it has a seed; see shared.model.draws.
    repeat: how often the same event was asked for before because the answer could not be used.
    brief: the facts in the system text, for the offline model, which reads no prose.
    prompt: the digest of the prompt file behind `system`. output: the form of the answer; None is free text.
    temperature: None is the provider's default. max_tokens: an answer that needs more is ModelTruncated.
    """

    model: str
    system: str
    messages: Sequence[Message]
    tools: Sequence[Tool]
    seed: int
    index: int
    seq: int
    brief: PersonaBrief | AgentBrief | GenerationBrief | ReviewBrief | JudgeBrief
    repeat: int = 0
    caller: Caller = Caller()
    prompt: str = ""
    output: Output | None = None
    temperature: float | None = None
    max_tokens: int = 4096


@dataclass(frozen=True, slots=True)
class ChatReply:
    """The model's answer: text, tool calls, or a text before tool calls.

    milliseconds: how long the answer took; first_token: until its first token, None if it was not streamed.
    fixed: True if asking again gives the same answer: the offline model's.
    recorded: True if it comes from a recording, so that nothing was paid.
    limits: the provider's rate limits after this call, None if it said none.
    steps: the indexes of the procedure's steps that the offline model came through since its last action.
    """

    text: str = ""
    calls: tuple[ToolRequest, ...] = ()
    usage: Usage = NO_USAGE
    fixed: bool = False
    milliseconds: int = 0
    first_token: int | None = None
    recorded: bool = False
    limits: RateLimits | None = None
    steps: tuple[int, ...] = ()

    @property
    def call(self) -> ToolRequest | None:
        """The first tool call, None if there is none."""
        return self.calls[0] if self.calls else None


class ChatModel(Protocol):
    """A provider's models, or a decorator around them."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer the request. Raises ModelUnavailable if another attempt may help, ModelFailed if none will."""
        ...
