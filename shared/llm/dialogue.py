"""A request in the form that all vendors take: turns of one role each, with names and ids that all of them accept."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import groupby
from typing import Literal

from shared.llm.base import SILENCE, ChatRequest, Message, ToolRequest
from shared.model.draws import draw
from shared.model.events import Json
from shared.model.steps import Tool

BEGIN = "(The conversation begins.)"
"""The text of a first user message where the model speaks first."""

_MAX_NAME = 64
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{_MAX_NAME}}}")
_NO_ANSWER: Json = {"error": {"code": "NO_ANSWER", "message": "The tool did not answer."}}


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a tool call. id: of the call. content: JSON. failed: True if it is an error."""

    id: str
    tool: str
    content: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """What one role says at once. A `tool` turn has results only, one for each call of the turn before."""

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    calls: tuple[ToolRequest, ...] = ()
    results: tuple[Result, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A request for any vendor.

    model: the name without its provider. turns: the first is the user's, the last is not the assistant's.
    tools: with names of up to 64 letters, digits, _ and -. names: the real name of each such tool.
    """

    model: str
    system: str
    turns: Sequence[Turn]
    tools: Sequence[Tool]
    names: Mapping[str, str]


def dialogue(request: ChatRequest) -> Dialogue:
    """The request for any vendor.

    The schema of the output stands in the system text too: some servers ignore the field for it, and models follow it
    better when they read it.
    """
    tools = {_safe_name(tool.name): tool for tool in request.tools}
    system = request.system
    if request.output is not None:
        schema = json.dumps(request.output.schema, ensure_ascii=False)
        system += f"\n\nAnswer with one JSON object and nothing else. It must match this JSON Schema:\n{schema}"
    return Dialogue(
        model=request.model.partition(":")[2],
        system=system.strip(),
        turns=tuple(_turns(request.messages)),
        tools=tuple(replace(tool, name=safe) for safe, tool in tools.items()),
        names={safe: tool.name for safe, tool in tools.items()},
    )


def model_seed(request: ChatRequest) -> int:
    """The seed of a model's random choices: below 2^31, another one for each event and each repetition."""
    return int(draw(request.seed, request.index, request.seq, f"model-{request.repeat}") * (1 << 31))


def schema_of(tool: Tool) -> Mapping[str, Json]:
    """The schema of a tool's arguments, which vendors want to be an object."""
    return {"type": "object", **tool.arguments_schema}


def _safe_name(name: str) -> str:
    """A name that every vendor accepts; different names stay different."""
    if _NAME.fullmatch(name):
        return name
    digest = blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{re.sub('[^A-Za-z0-9_-]', '_', name)[: _MAX_NAME - len(digest) - 1]}_{digest}"


def _turns(messages: Sequence[Message]) -> Iterator[Turn]:
    """The turns of the messages. Copied conversations may lack results or calls: those are filled in or left out."""
    asked: dict[str, ToolRequest] = {}
    count = 0
    last = ""
    for role, group in groupby(messages, lambda message: message.role):
        spoken = list(group)
        if asked and role != "tool":
            yield _results(asked, {})
            asked, last = {}, "tool"
        match role:
            case "user":
                yield Turn("user", _text(spoken) or SILENCE)
            case "assistant":
                if not last:
                    yield Turn("user", BEGIN)
                for call in (message.call for message in spoken if message.call is not None):
                    asked[call.id] = replace(call, tool=_safe_name(call.tool), id=f"call_{(count := count + 1)}")
                if asked or _text(spoken):
                    yield Turn("assistant", _text(spoken), tuple(asked.values()))
            case "tool":
                if not asked:
                    continue
                yield _results(asked, {message.call_id: message.result for message in spoken})
                asked = {}
        last = role
    if asked:
        yield _results(asked, {})
    elif last in ("", "assistant"):
        yield Turn("user", SILENCE if last else BEGIN)


def _text(messages: Sequence[Message]) -> str:
    return "\n\n".join(message.text.strip() for message in messages if message.text.strip())


def _results(asked: Mapping[str, ToolRequest], given: Mapping[str, Json]) -> Turn:
    return Turn("tool", results=tuple(_result(call, given.get(id_, _NO_ANSWER)) for id_, call in asked.items()))


def _result(call: ToolRequest, value: Json) -> Result:
    failed = isinstance(value, Mapping) and value.keys() == {"error"}
    return Result(call.id, call.tool, json.dumps(value, ensure_ascii=False), failed)
