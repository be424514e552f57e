"""A conversation's events, and their form at rest: tagged JSON bytes with kind and version, upcast when read.

Times are integers: milliseconds of the virtual clock since the Unix epoch.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict with string keys."""

VERSION = 1
"""The version that `pack` writes; `UPCASTS` brings older ones up to it."""


class Fault(StrEnum):
    """Who is to blame for a failure; set where the error arises."""

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
    """What models were asked for: calls whose answer was recorded, and tokens as the provider counted them."""

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.model_calls + other.model_calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )


NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Resource:
    """A JSON record that tools read and change; `appeared_after` counts the source's events before it."""

    type: str
    id: str
    data: Mapping[str, Json]
    appeared_after: int = 0


@dataclass(frozen=True, slots=True)
class ResourcePatch:
    """A JSON merge patch (RFC 7396) of one resource; one that is not there yet is created."""

    type: str
    id: str
    merge: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ToolError:
    """An error of a tool, as the agent sees it: a short code and a sentence."""

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool returns: a JSON value, or an error in its place; and what it changes in the world."""

    value: Json = None
    error: ToolError | None = None
    patches: tuple[ResourcePatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """The conversation began with these resources in its world."""

    kind: ClassVar[str] = "opened"
    resources: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class UserMessage:
    """The user spoke, or stayed silent; `leaves` when nothing more will be said."""

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
    """The agent let virtual time pass until then."""

    kind: ClassVar[str] = "waited"
    until: int


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A job took the conversation up: 1 at first, one more with each retry."""

    kind: ClassVar[str] = "attempt_started"
    attempt: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The conversation is over: how, why (UPPER_SNAKE and a sentence), and who is to blame if it failed."""

    kind: ClassVar[str] = "ended"
    outcome: Outcome
    reason: str
    detail: str = ""
    fault: Fault | None = None


Kind = Opened | UserMessage | AgentMessage | ToolCall | ToolResult | Waited | AttemptStarted | Ended


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a conversation's log.

    id: the same however often its append is repeated.
    seq: its place, 1, 2, 3 …
    at: virtual time, milliseconds since the Unix epoch.
    turn: the persona's steps taken up to and with it.
    copied: from the source, or replayed from the conversation this one is based on.
    usage: what it cost; None for what no model answered.
    session: what the agent target wants to be handed back next time.
    """

    id: str
    seq: int
    at: int
    turn: int
    body: Kind
    copied: bool = False
    usage: Usage | None = None
    session: bytes | None = None


def pack(event: Event) -> bytes:
    """The event's form at rest: compact JSON, UTF-8. Raises ValueError for a number that JSON does not have."""
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
        record["usage"] = [event.usage.model_calls, event.usage.input_tokens, event.usage.output_tokens]
    if event.session is not None:
        record["session"] = b64encode(event.session).decode()
    return _encode(record).encode()


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def unpack(payload: bytes) -> Event:
    """Read what `pack` wrote, in this version or an older one."""
    record = json.loads(payload)
    for version in range(record["v"], VERSION):
        record = UPCASTS[version](record)
    session = record.get("session")
    usage = record.get("usage")
    return Event(
        id=record["id"],
        seq=record["seq"],
        at=record["at"],
        turn=record["turn"],
        body=_READERS[record["kind"]](record["body"]),
        copied=record.get("copied", False),
        usage=None if usage is None else Usage(*usage),
        session=None if session is None else b64decode(session),
    )


UPCASTS: Mapping[int, Callable[[dict[str, Json]], dict[str, Json]]] = {}
"""From a version to the function that turns its records into the next version's."""


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


def resource_json(resource: Resource) -> dict[str, Json]:
    """The resource as a JSON object."""
    return {
        "type": resource.type,
        "id": resource.id,
        "data": dict(resource.data),
        "appeared_after": resource.appeared_after,
    }


def answer_json(answer: ToolAnswer) -> dict[str, Json]:
    """The answer as a JSON object: `value` or `error`, and `patches` when there are any."""
    record: dict[str, Json] = (
        {"value": answer.value}
        if answer.error is None
        else {"error": {"code": answer.error.code, "message": answer.error.message}}
    )
    if answer.patches:
        record["patches"] = [{"type": p.type, "id": p.id, "merge": dict(p.merge)} for p in answer.patches]
    return record


def read_resource(record: Mapping[str, Json]) -> Resource:
    """The inverse of `resource_json`."""
    return Resource(record["type"], record["id"], record["data"], record.get("appeared_after", 0))


def read_answer(record: Mapping[str, Json]) -> ToolAnswer:
    """The inverse of `answer_json`."""
    error = record.get("error")
    return ToolAnswer(
        value=record.get("value"),
        error=None if error is None else ToolError(error["code"], error.get("message", "")),
        patches=tuple(ResourcePatch(p["type"], p["id"], p["merge"]) for p in record.get("patches", ())),
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
