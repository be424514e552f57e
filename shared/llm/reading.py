"""A vendor's answer in our form, and the failures of a model that it may hold."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Generic, TypeVar

from shared.llm.base import (
    ChatReply,
    ChatRequest,
    ModelDeclined,
    ModelTruncated,
    ModelUnusable,
    RateLimits,
    ToolRequest,
)
from shared.llm.dialogue import Dialogue
from shared.model.events import NO_USAGE, Json, Usage
from shared.plain import plain

T = TypeVar("T")

MAX_DEPTH = 24
"""How deep the arguments of a tool call may be nested."""
_MAX_QUOTE = 200
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a vendor answered.

    calls: (tool, arguments), the arguments as an object or as the text of one.
    truncated: True if it was cut at the limit of tokens. declined: why the model declined, "" if it did not.
    """

    text: str = ""
    calls: Sequence[tuple[str, object]] = ()
    usage: Usage = NO_USAGE
    truncated: bool = False
    declined: str = ""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A reading, and what came with it. first_token: milliseconds until it, None if the answer was not streamed."""

    reading: T
    limits: RateLimits | None = None
    first_token: int | None = None


def reply(request: ChatRequest, told: Dialogue, answer: Answer[Reading]) -> ChatReply:
    """The answer as a reply. Raises ModelDeclined, ModelTruncated, ModelUnusable."""
    reading = answer.reading
    if reading.declined:
        raise ModelDeclined(model=request.model, why=plain(reading.declined, _MAX_QUOTE))
    # Some servers do not say that they cut an answer.
    if reading.truncated or reading.usage.output_tokens >= request.max_tokens:
        why = f"a request may ask for {request.max_tokens}, or the model can hold no more"
        raise ModelTruncated(model=request.model, tokens=reading.usage.output_tokens, why=why)
    if not reading.text.strip() and not reading.calls:
        raise ModelUnusable(model=request.model, why="it is empty")
    calls = tuple(_call(told.names.get(tool, tool), arguments) for tool, arguments in reading.calls)
    return ChatReply(
        _storable(reading.text), calls, reading.usage, first_token=answer.first_token, limits=answer.limits
    )


def tokens(count: object) -> int:
    """A count of tokens in an answer, 0 if it has none."""
    return max(0, count) if isinstance(count, int) else 0


def usage(given: Any, *, input_tokens: str, output_tokens: str, cached: object = None) -> Usage:
    """The usage of one call, whose counts have these names in the vendor's object; None counts nothing."""
    given = given if isinstance(given, Mapping) else {}
    return Usage(1, tokens(given.get(input_tokens)), tokens(given.get(output_tokens)), tokens(cached))


def _call(tool: str, arguments: object) -> ToolRequest:
    try:
        read = json.loads(arguments or "{}") if isinstance(arguments, str) else arguments
        if not isinstance(read, Mapping):
            raise ValueError
        return ToolRequest(_storable(tool), {_storable(name): _json(value, MAX_DEPTH) for name, value in read.items()})
    except (ValueError, RecursionError):
        problem = (
            f"The arguments must be one JSON object, up to {MAX_DEPTH} levels deep and with finite numbers only. "
            f"They were: {plain(_written(arguments), _MAX_QUOTE)}"
        )
        return ToolRequest(_storable(tool), problem=problem)


def _written(arguments: object) -> str:
    try:
        return arguments if isinstance(arguments, str) else json.dumps(arguments)
    except RecursionError:
        return "nested too deeply"


def _json(value: Any, depth: int) -> Json:
    """A JSON value that can be stored. Raises ValueError for one that is too deep or has no finite number."""
    if depth == 0:
        raise ValueError
    match value:
        case str():
            return _storable(value)
        case float() if not isfinite(value):
            raise ValueError
        case dict():
            return {_storable(name): _json(member, depth - 1) for name, member in value.items()}
        case list():
            return [_json(item, depth - 1) for item in value]
    return value


def _storable(text: str) -> str:
    """The text without NUL and halves of surrogate pairs, which neither gRPC nor PostgreSQL takes."""
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
