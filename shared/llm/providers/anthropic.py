"""Models of Anthropic, over its Messages API: `anthropic:MODEL`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic_settings import SettingsConfigDict

from shared.llm.base import ChatModel, ChatRequest
from shared.llm.dialogue import Dialogue, Turn, schema_of
from shared.llm.reading import Reading, tokens, usage
from shared.llm.settings import Address, VendorSettings
from shared.llm.streaming import Stream
from shared.llm.vendor import VendorModel, temperature, without_variables
from shared.llm.wire import Response, Wire

_CACHE: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
"""Marks the end of a prefix that the next request repeats. Anthropic takes up to four such marks."""


class AnthropicSettings(VendorSettings):
    """The settings of Anthropic's models."""

    model_config = SettingsConfigDict(env_prefix="GREENROOM_ANTHROPIC_")
    own_host: ClassVar[str] = "api.anthropic.com"
    own_variable: ClassVar[str] = "ANTHROPIC_API_KEY"

    base_url: Address = "https://api.anthropic.com"
    """The address of Anthropic, or of a server that speaks its Messages API."""


@asynccontextmanager
async def open_anthropic(settings: AnthropicSettings) -> AsyncIterator[ChatModel]:
    """Connect to Anthropic, or to a server that speaks its protocol."""
    import aiohttp
    import anthropic
    import httpx2

    key = settings.key or "none"
    with without_variables("ANTHROPIC_"):
        client = anthropic.AsyncAnthropic(
            api_key=key,
            base_url=settings.base_url,
            default_headers=settings.plain_headers,
            max_retries=0,
            timeout=None,
            open_telemetry=False,
            http_client=anthropic.DefaultAioHttpClient(
                follow_redirects=False, timeout=None, limits=httpx2.Limits(max_connections=10_000)
            ),
        )

    async def post(body: bytes) -> Response:
        try:
            return await client.post(
                "/v1/messages",
                cast_to=httpx2.Response,
                content=body,
                options={"headers": {"content-type": "application/json"}},
                stream=settings.stream,
            )
        except anthropic.APIStatusError as error:
            return error.response

    async def describe(model: str) -> Response:
        try:
            return await client.get(f"/v1/models/{quote(model, safe='')}", cast_to=httpx2.Response)
        except anthropic.APIStatusError as error:
            return error.response

    failures = (anthropic.AnthropicError, httpx2.HTTPError, aiohttp.ClientError, OSError)
    async with client:
        wire = Wire(describe, post, failures, settings.base_url, settings.timeout_seconds, settings.secrets)
        yield VendorModel(wire, settings, body, read, STREAM)


def body(request: ChatRequest, told: Dialogue, settings: AnthropicSettings) -> Mapping[str, Any]:
    """The body of POST /v1/messages.

    Tools, system text and the conversation so far are cached, in this order.
    """
    sent: dict[str, Any] = {
        "model": told.model,
        "max_tokens": request.max_tokens,
        "messages": _messages(told),
        **temperature(request, settings),
    }
    if told.system:
        sent["system"] = [{"type": "text", "text": told.system, **_CACHE}]
    if told.tools:
        sent["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": schema_of(tool)} for tool in told.tools
        ]
        sent["tools"][-1] |= _CACHE
    if request.output is not None:
        sent["output_config"] = {"format": {"type": "json_schema", "schema": request.output.schema}}
    return sent


def _messages(told: Dialogue) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for turn in told.turns:
        role = "assistant" if turn.role == "assistant" else "user"
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += _blocks(turn)
        else:
            messages.append({"role": role, "content": _blocks(turn)})
    messages[-1]["content"][-1] |= _CACHE
    return messages


def _blocks(turn: Turn) -> list[dict[str, Any]]:
    return [
        *({"type": "text", "text": text} for text in [turn.text] if text),
        *({"type": "tool_use", "id": call.id, "name": call.tool, "input": call.arguments} for call in turn.calls),
        *(
            {"type": "tool_result", "tool_use_id": result.id, "content": result.content, "is_error": result.failed}
            for result in turn.results
        ),
    ]


def read(answer: Any) -> Reading:
    """The answer of /v1/messages. Its input tokens exclude those that were read from or written to the cache."""
    blocks, given = answer["content"], answer.get("usage") or {}
    cached = tokens(given.get("cache_read_input_tokens"))
    counts = dict(given)
    counts["input_tokens"] = (
        tokens(given.get("input_tokens")) + cached + tokens(given.get("cache_creation_input_tokens"))
    )
    stop = answer.get("stop_reason")
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    return Reading(
        text=text,
        calls=[(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"],
        usage=usage(counts, input_tokens="input_tokens", output_tokens="output_tokens", cached=cached),
        truncated=stop in ("max_tokens", "model_context_window_exceeded"),
        declined=(text or "its stop reason is refusal") if stop == "refusal" else "",
    )


def join(parts: Sequence[Any]) -> Any:
    """The events of a stream as one answer, in which the input of a tool is the text of a JSON object.

    Raises ValueError if the last event is missing.
    """
    if not parts or parts[-1]["type"] != "message_stop":
        raise ValueError
    answer: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for part in parts:
        match part["type"]:
            case "message_start":
                answer = part["message"]
            case "content_block_start":
                block = part["content_block"]
                blocks[part["index"]] = {**block, "input": ""} if block["type"] == "tool_use" else {**block}
            case "content_block_delta":
                _add(blocks[part["index"]], part["delta"])
            case "message_delta":
                answer |= part["delta"]
                answer["usage"] |= part.get("usage") or {}
            case _:
                pass
    return {**answer, "content": list(blocks.values())}


def _add(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "input_json_delta":
            block["input"] += delta["partial_json"]
        case _:
            pass


STREAM = Stream({"stream": True}, lambda part: part["type"] == "content_block_delta", join)
