"""A conversation's events, and their stored form: JSON with kind and version. Older versions are upcast when read.

Times are milliseconds of the virtual clock since the Unix epoch.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar, assert_never

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict with string keys."""

VERSION = 1
"""The version that `pack` writes. `UPCASTS` converts older ones."""


class Fault(StrEnum):
    """Who is to blame for a failure."""

    AGENT = "AGENT"
    PERSONA_MODEL = "PERSONA_MODEL"
    TOOL_MOCK = "TOOL_MOCK"
    INFRASTRUCTURE = "INFRASTRUCTURE"


class Outcome(StrEnum):
    """How a conversation ended."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of model calls: calls whose answer was stored, and tokens as the provider counted them.

    cached_tokens: those of the input that the provider read from its cache.
    nanos: the price by the price file, in billionths of its currency; 0 if it has no price for the model.
    milliseconds: how long the answers took together. streamed_calls: those that arrived in parts;
    first_token_milliseconds: the times to their first tokens together.
    """

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    nanos: int = 0
    milliseconds: int = 0
    streamed_calls: int = 0
    first_token_milliseconds: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.model_calls + other.model_calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.nanos + other.nanos,
            self.milliseconds + other.milliseconds,
            self.streamed_calls + other.streamed_calls,
            self.first_token_milliseconds + other.first_token_milliseconds,
        )

    def timed(self, milliseconds: int, first_token: int | None) -> "Usage":
        """The usage of one call whose answer took this long. first_token: None if it was not streamed."""
        streamed = first_token is not None
        return replace(
            self, milliseconds=milliseconds, streamed_calls=int(streamed), first_token_milliseconds=first_token or 0
        )


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class ModelCall:
    """The call of a model that made an event.

    model: its full name. prompt: the digest of the prompt file.
    milliseconds: how long the answer took; first_token: until its first token, None if it was not streamed.
    recorded: True if the answer came from a recording, so that nothing was paid.
    """

    model: str
    prompt: str = ""
    milliseconds: int = 0
    first_token: int | None = None
    recorded: bool = False


class Sentiment(StrEnum):
    """How a persona feels about the conversation."""

    POSITIVE = "POSITIVE"
    NEUTRAL = "NEUTRAL"
    NEGATIVE = "NEGATIVE"


class PersonaFlag(StrEnum):
    """What is wrong with a persona's reply; see services.synthesizer.conversations.integrity."""

    SPEAKS_AS_AGENT = "SPEAKS_AS_AGENT"
    LEAKS_BRIEF = "LEAKS_BRIEF"
    REPEATS_ITSELF = "REPEATS_ITSELF"
    THANKS_TOO_EARLY = "THANKS_TOO_EARLY"
    DOES_AGENTS_WORK = "DOES_AGENTS_WORK"
    CONTRADICTS_ITSELF = "CONTRADICTS_ITSELF"
    WRONG_LANGUAGE = "WRONG_LANGUAGE"


@dataclass(frozen=True, slots=True)
class Thoughts:
    """What a persona thought when it spoke. The agent under test never sees it.

    reasoning: why it said what it said, in its model's words. likely_to_convert: 0 to 100.
    """

    reasoning: str
    sentiment: Sentiment
    likely_to_convert: int


@dataclass(frozen=True, slots=True)
class Resource:
    """A JSON record that tools read and change. appeared_after: the number of the source's events before it."""

    type: str
    id: str
    data: Mapping[str, Json]
    appeared_after: int = 0


@dataclass(frozen=True, slots=True)
class ResourcePatch:
    """A JSON merge patch (RFC 7396) of one resource, which is created if it does not exist.

    delete: True to delete the resource instead.
    """

    type: str
    id: str
    merge: Mapping[str, Json] = field(default_factory=dict)
    delete: bool = False


@dataclass(frozen=True, slots=True)
class ToolError:
    """An error of a tool, as the agent sees it: a short code and a sentence."""

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool returns, a JSON value or an error, and its changes of resources."""

    value: Json = None
    error: ToolError | None = None
    patches: tuple[ResourcePatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """The conversation began with these resources."""

    kind: ClassVar[str] = "opened"
    resources: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class UserMessage:
    """The user spoke or stayed silent. leaves: True if the user says nothing more."""

    kind: ClassVar[str] = "user_message"
    text: str = ""
    silent: bool = False
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """The agent spoke."""

    kind: ClassVar[str] = "agent_message"
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The agent called a tool."""

    kind: ClassVar[str] = "tool_call"
    call_id: str
    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The tool answered."""

    kind: ClassVar[str] = "tool_result"
    call_id: str
    tool: str
    answer: ToolAnswer


@dataclass(frozen=True, slots=True)
class Waited:
    """The agent waited until this virtual time."""

    kind: ClassVar[str] = "waited"
    until: int


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A job began to run the conversation. attempt: 1, and one more with each retry."""

    kind: ClassVar[str] = "attempt_started"
    attempt: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The conversation is over. reason: UPPER_SNAKE; detail: a sentence; fault: who is to blame if it failed."""

    kind: ClassVar[str] = "ended"
    outcome: Outcome
    reason: str
    detail: str = ""
    fault: Fault | None = None


Kind = Opened | UserMessage | AgentMessage | ToolCall | ToolResult | Waited | AttemptStarted | Ended


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a conversation's log.

    id: stays the same when an append is repeated.
    seq: 1, 2, 3 … without gaps.
    at: virtual time, milliseconds since the Unix epoch.
    turn: the persona's steps so far, this event included.
    copied: True if it was copied from the source or from the conversation that this one is based on.
    usage: None if no model was called. model_call: None too if an agent of somebody else's made it.
    session: what the agent target returned, or the persona target if the user spoke, for its next call.
    thoughts: of the persona that spoke, if it told them; None for everything else.
    flags: what is wrong with the persona's reply, which this event is or which ended the conversation.
    mock_rule: the index of the rule of the tool's mock that gave a result; None if none did.
    steps: the indexes of the revision's steps that the built-in agent came through on its way to this event.
    """

    id: str
    seq: int
    at: int
    turn: int
    body: Kind
    copied: bool = False
    usage: Usage | None = None
    session: bytes | None = None
    model_call: ModelCall | None = None
    thoughts: Thoughts | None = None
    flags: tuple[PersonaFlag, ...] = ()
    mock_rule: int | None = None
    steps: tuple[int, ...] = ()


def _usage_json(usage: Usage) -> list[int]:
    """The numbers in the order of Usage, without zeros at the end."""
    numbers = [
        usage.model_calls,
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.nanos,
        usage.milliseconds,
        usage.streamed_calls,
        usage.first_token_milliseconds,
    ]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def pack(event: Event) -> bytes:
    """The event as it is stored: compact JSON, UTF-8. Raises ValueError for a number that JSON does not have."""
    record: dict[str, Json] = {
        "v": VERSION,
        "kind": event.body.kind,
        "id": event.id,
        "seq": event.seq,
        "at": event.at,
        "turn": event.turn,
        "body": body_json(event.body),
    }
    if event.copied:
        record["copied"] = True
    if event.usage is not None:
        record["usage"] = _usage_json(event.usage)
    if (call := event.model_call) is not None:
        record["model_call"] = [call.model, call.prompt, call.milliseconds, call.first_token, call.recorded]
    if (thoughts := event.thoughts) is not None:
        record["thoughts"] = [thoughts.reasoning, thoughts.sentiment, thoughts.likely_to_convert]
    if event.flags:
        record["flags"] = event.flags
    if event.mock_rule is not None:
        record["mock_rule"] = event.mock_rule
    if event.steps:
        record["steps"] = event.steps
    if event.session is not None:
        record["session"] = b64encode(event.session).decode()
    return _encode(record).encode()


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


quoted = json.encoder.encode_basestring
"""A text as `pack` writes it, with its quotes."""


def text_template(kind: type[UserMessage] | type[AgentMessage], seq: int, at: int) -> str:
    """What `pack` makes of such a message in turn 0, without an id; `%s` is in place of its `quoted` text."""
    about = ',"silent":false,"leaves":false' if kind is UserMessage else ""
    place = f'"id":"","seq":{seq},"at":{at},"turn":0'
    return f'{{"v":{VERSION},"kind":"{kind.kind}",{place},"body":{{"text":%s{about}}}}}'


def unpack(payload: bytes) -> Event:
    """The inverse of `pack`, for this version and older ones."""
    record = json.loads(payload)
    for version in range(record["v"], VERSION):
        record = UPCASTS[version](record)
    session = record.get("session")
    usage, model_call, thoughts = record.get("usage"), record.get("model_call"), record.get("thoughts")
    return Event(
        id=record["id"],
        seq=record["seq"],
        at=record["at"],
        turn=record["turn"],
        body=_READERS[record["kind"]](record["body"]),
        copied=record.get("copied", False),
        usage=None if usage is None else Usage(*usage),
        session=None if session is None else b64decode(session),
        model_call=None if model_call is None else ModelCall(*model_call),
        thoughts=None if thoughts is None else Thoughts(thoughts[0], Sentiment(thoughts[1]), thoughts[2]),
        flags=tuple(map(PersonaFlag, record.get("flags", ()))),
        mock_rule=record.get("mock_rule"),
        steps=tuple(record.get("steps", ())),
    )


UPCASTS: Mapping[int, Callable[[dict[str, Json]], dict[str, Json]]] = {}
"""By version, the function that converts its records to the next version."""


def body_json(body: Kind) -> dict[str, Json]:
    """The body as a JSON object without its kind."""
    match body:
        case UserMessage(text, silent, leaves):
            return {"text": text, "silent": silent, "leaves": leaves}
        case AgentMessage(text):
            return {"text": text}
        case ToolCall(call_id, tool, arguments):
            return {"call_id": call_id, "tool": tool, "arguments": dict(arguments)}
        case ToolResult(call_id, tool, answer):
            return {"call_id": call_id, "tool": tool, "answer": answer_json(answer)}
        case Waited(until):
            return {"until": until}
        case AttemptStarted(attempt):
            return {"attempt": attempt}
        case Ended(outcome, reason, detail, fault):
            return {"outcome": outcome, "reason": reason, "detail": detail, "fault": fault}
        case Opened(resources):
            return {"resources": [resource_json(resource) for resource in resources]}
        case _:
            assert_never(body)


def resource_json(resource: Resource) -> dict[str, Json]:
    """The resource as a JSON object."""
    return {
        "type": resource.type,
        "id": resource.id,
        "data": dict(resource.data),
        "appeared_after": resource.appeared_after,
    }


def answer_json(answer: ToolAnswer) -> dict[str, Json]:
    """The answer as a JSON object: `value` or `error`, and `patches` if there are any."""
    record: dict[str, Json] = (
        {"value": answer.value}
        if answer.error is None
        else {"error": {"code": answer.error.code, "message": answer.error.message}}
    )
    if answer.patches:
        record["patches"] = [_patch_json(patch) for patch in answer.patches]
    return record


def _patch_json(patch: ResourcePatch) -> dict[str, Json]:
    deleted = {"delete": True} if patch.delete else {}
    return {"type": patch.type, "id": patch.id, "merge": dict(patch.merge), **deleted}


def read_resource(record: Mapping[str, Json]) -> Resource:
    """The inverse of `resource_json`."""
    return Resource(record["type"], record["id"], record["data"], record.get("appeared_after", 0))


def read_answer(record: Mapping[str, Json]) -> ToolAnswer:
    """The inverse of `answer_json`."""
    error = record.get("error")
    return ToolAnswer(
        value=record.get("value"),
        error=None if error is None else ToolError(error["code"], error.get("message", "")),
        patches=tuple(ResourcePatch(**patch) for patch in record.get("patches", ())),
    )


_READERS: Mapping[str, Callable[[Mapping[str, Json]], Kind]] = {
    "opened": lambda r: Opened(tuple(read_resource(resource) for resource in r["resources"])),
    "user_message": lambda r: UserMessage(r["text"], r["silent"], r["leaves"]),
    "agent_message": lambda r: AgentMessage(r["text"]),
    "tool_call": lambda r: ToolCall(r["call_id"], r["tool"], r["arguments"]),
    "tool_result": lambda r: ToolResult(r["call_id"], r["tool"], read_answer(r["answer"])),
    "waited": lambda r: Waited(r["until"]),
    "attempt_started": lambda r: AttemptStarted(r["attempt"]),
    "ended": lambda r: Ended(
        Outcome(r["outcome"]), r["reason"], r["detail"], None if r["fault"] is None else Fault(r["fault"])
    ),
}
