"""Records the calls of models, so that none is paid for twice, and replays them without a model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from shared.errors import FailedPrecondition
from shared.llm.base import (
    Caller,
    ChatModel,
    ChatReply,
    ChatRequest,
    Message,
    ModelDeclined,
    ModelFailed,
    ModelRefused,
    ModelTruncated,
    ModelUnusable,
    ToolRequest,
)
from shared.model.events import Json, Usage
from shared.model.steps import Tool
from shared.words import all_of


class RecordingMissing(FailedPrecondition):
    """There is no recording of this call of {model} for event {seq}: {why}. Record the run, or import its recordings."""  # noqa: E501

    reason = "RECORDING_MISSING"


@dataclass(frozen=True, slots=True)
class Key:
    """What a recording is found by. digest: of what was asked, see `digest_of`; the rest is as in ChatRequest."""

    seed: int
    index: int
    seq: int
    repeat: int
    digest: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call of a model: for whom it was made, what was asked (`request_json`) and answered (`answer_json`)."""

    caller: Caller
    key: Key
    request: Mapping[str, Json]
    answer: Mapping[str, Json]


class CallStore(Protocol):
    """Keeps the calls of whoever makes them."""

    async def own(self, caller: Caller, key: Key) -> Mapping[str, Json] | None:
        """The answer that the same attempt of the caller's conversation recorded, or None."""
        ...

    async def put(self, recorded: Recorded) -> None:
        """Store a recording, and return when it is on disk."""
        ...


class RecordingStore(CallStore, Protocol):
    """Keeps recordings, which others can replay."""

    async def newest(self, company: str, key: Key) -> Mapping[str, Json] | None:
        """The newest recorded answer of the company, or None."""
        ...

    async def nearest(self, company: str, key: Key) -> Mapping[str, Json] | None:
        """The newest recorded request with the same seed, index and seq, or None."""
        ...


class Recorder:
    """Records each call before its answer is used, and answers from the recording if the conversation made it before.

    A failure of the model is recorded as well, unless the provider refused the request: then nothing was answered.
    """

    def __init__(self, model: ChatModel, store: CallStore) -> None:
        self._model = model
        self._store = store

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer the request."""
        content = request_json(request)
        key = _key(request, content)
        recorded = await self._store.own(request.caller, key)
        if recorded is not None:
            return read_answer(recorded)
        answer: ChatReply | ModelFailed
        try:
            answer = await self._model.complete(request)
        except ModelRefused:
            raise
        except ModelFailed as failed:
            answer = failed
        await self._store.put(Recorded(request.caller, key, content, answer_json(answer)))
        if isinstance(answer, ModelFailed):
            raise answer
        return answer


class Replay:
    """Answers from recordings; there is no model behind it."""

    def __init__(self, store: RecordingStore) -> None:
        self._store = store

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer the request. Raises RecordingMissing."""
        content = request_json(request)
        key, company = _key(request, content), request.caller.company
        recorded = await self._store.newest(company, key)
        if recorded is not None:
            return read_answer(recorded)
        nearest = await self._store.nearest(company, key)
        why = f"nothing is recorded for it with seed {key.seed} and index {key.index}"
        if nearest is not None:
            why = f"the recorded call has {_difference(content, nearest)}"
        raise RecordingMissing(model=request.model, seq=request.seq, why=why)


def request_json(request: ChatRequest) -> dict[str, Json]:
    """What the model is asked, as a JSON object: no address, key or header."""
    output = request.output
    return {
        "model": request.model,
        "system": request.system,
        "messages": [_message_json(message) for message in request.messages],
        "tools": [_tool_json(tool) for tool in request.tools],
        "output": None if output is None else {"name": output.name, "schema": dict(output.schema)},
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
    }


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def digest_of(content: Mapping[str, Json]) -> str:
    """SHA-256 in hex over a request as canonical JSON."""
    return sha256(_canonical(content).encode()).hexdigest()


def answer_json(answer: ChatReply | ModelFailed) -> dict[str, Json]:
    """The answer as a JSON object with `reply` or `failure`."""
    if isinstance(answer, ModelFailed):
        return {"failure": {"reason": answer.reason, "details": answer.details}}
    usage = answer.usage
    return {
        "reply": {
            "text": answer.text,
            "calls": [_call_json(call) | {"problem": call.problem} for call in answer.calls],
            "usage": [
                usage.model_calls,
                usage.input_tokens,
                usage.output_tokens,
                usage.cached_tokens,
                usage.nanos,
            ],
            "milliseconds": answer.milliseconds,
            "first_token": answer.first_token,
        }
    }


def read_answer(record: Mapping[str, Json]) -> ChatReply:
    """The reply of `answer_json`, marked as recorded. Raises the failure if it is one."""
    if "failure" in record:
        failure = record["failure"]
        raise _FAILURES[failure["reason"]](**failure["details"])
    reply = record["reply"]
    return ChatReply(
        text=reply["text"],
        calls=tuple(
            ToolRequest(call["tool"], call["arguments"], call["id"], call.get("problem", "")) for call in reply["calls"]
        ),
        usage=Usage(*reply["usage"]).timed(reply["milliseconds"], reply["first_token"]),
        milliseconds=reply["milliseconds"],
        first_token=reply["first_token"],
        recorded=True,
    )


_KINDS: Sequence[type[ModelFailed]] = (ModelFailed, ModelDeclined, ModelTruncated, ModelUnusable)
_FAILURES = {kind.reason: kind for kind in _KINDS}


def _key(request: ChatRequest, content: Mapping[str, Json]) -> Key:
    return Key(request.seed, request.index, request.seq, request.repeat, digest_of(content))


def _message_json(message: Message) -> dict[str, Json]:
    if message.call is not None:
        return {"role": message.role, "call": _call_json(message.call)}
    if message.role == "tool":
        return {"role": message.role, "call_id": message.call_id, "result": message.result}
    return {"role": message.role, "text": message.text}


def _call_json(call: ToolRequest) -> dict[str, Json]:
    return {"tool": call.tool, "arguments": dict(call.arguments), "id": call.id}


def _tool_json(tool: Tool) -> dict[str, Json]:
    return {"name": tool.name, "description": tool.description, "arguments": dict(tool.arguments_schema)}


def _difference(asked: Mapping[str, Json], recorded: Mapping[str, Json]) -> str:
    """What a recorded request has that differs, in words."""
    words = []
    for name, value in asked.items():
        other: Json = recorded.get(name)
        if other == value:
            continue
        if name == "model":
            words.append(f"the model {other}")
        elif name == "messages":
            same = (one == two for one, two in zip(value, other, strict=False))
            words.append(f"another message {next((n for n, equal in enumerate(same, 1) if not equal), len(value) + 1)}")
        else:
            words.append(f"another {name}")
    return all_of(words) or "another repeat"
