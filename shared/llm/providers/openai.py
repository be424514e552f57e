"""Models of OpenAI, over Chat Completions or Responses: `openai:MODEL`. Many other servers speak the former."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic_settings import SettingsConfigDict

from shared.llm.base import ChatModel, ChatRequest, Output
from shared.llm.dialogue import Dialogue, model_seed
from shared.llm.embedding import Embedded, EmbeddingModel, embedded
from shared.llm.openai_forms import (
    CHAT_STREAM,
    RESPONSES_STREAM,
    chat_messages,
    chat_tools,
    read_chat,
    read_responses,
    response_items,
    response_tools,
)
from shared.llm.settings import Address, VendorSettings
from shared.llm.vendor import VendorEmbeddings, VendorModel, temperature, without_variables
from shared.llm.wire import Response, Wire

_REASONS = re.compile(r"(^|/)(gpt-[5-9]|o[1-9])")
"""The names of OpenAI's reasoning models, also as gateways name them: `openai/gpt-5`."""


class OpenaiSettings(VendorSettings):
    """The settings of OpenAI's models, and of all servers that speak its protocol."""

    model_config = SettingsConfigDict(env_prefix="GREENROOM_OPENAI_")
    own_host: ClassVar[str] = "api.openai.com"
    own_variable: ClassVar[str] = "OPENAI_API_KEY"

    base_url: Address = "https://api.openai.com/v1"
    """The address of OpenAI, or of a server that speaks the same protocol."""

    api: Literal["chat", "responses"] = "chat"
    """The protocol: `chat` (Chat Completions) or `responses` (Responses; answers are not stored by OpenAI)."""


@asynccontextmanager
async def open_openai(settings: OpenaiSettings) -> AsyncIterator[ChatModel]:
    """Connect to OpenAI, or to a server that speaks its protocol."""
    path, body, read, stream = {
        "chat": ("/chat/completions", chat_body, read_chat, CHAT_STREAM),
        "responses": ("/responses", responses_body, read_responses, RESPONSES_STREAM),
    }[settings.api]
    async with _wire(settings, path) as wire:
        yield VendorModel(wire, settings, body, read, stream)


@asynccontextmanager
async def open_openai_embeddings(settings: OpenaiSettings) -> AsyncIterator[EmbeddingModel]:
    """Connect to OpenAI for vectors, or to a server that speaks its protocol."""
    async with _wire(settings, "/embeddings") as wire:
        yield VendorEmbeddings(wire, settings, read_embeddings)


@asynccontextmanager
async def _wire(settings: OpenaiSettings, path: str) -> AsyncIterator[Wire]:
    """The server, where it answers requests to a path."""
    import aiohttp
    import httpx2
    import openai

    key = settings.key or "none"
    with without_variables("OPENAI_"):
        client = openai.AsyncOpenAI(
            api_key=key,
            base_url=settings.base_url,
            default_headers=settings.plain_headers,
            max_retries=0,
            timeout=None,
            http_client=openai.DefaultAioHttpClient(
                follow_redirects=False, timeout=None, limits=httpx2.Limits(max_connections=10_000)
            ),
        )

    async def post(body: bytes) -> Response:
        try:
            return await client.post(
                path,
                cast_to=httpx2.Response,
                content=body,
                options={"headers": {"content-type": "application/json"}},
                stream=settings.stream,
            )
        except openai.APIStatusError as error:
            return error.response

    async def describe(model: str) -> Response:
        try:
            return await client.get(f"/models/{quote(model, safe='')}", cast_to=httpx2.Response)
        except openai.APIStatusError as error:
            return error.response

    failures = (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError)
    async with client:
        yield Wire(describe, post, failures, settings.base_url, settings.timeout_seconds, settings.secrets)


def chat_body(request: ChatRequest, told: Dialogue, settings: OpenaiSettings) -> Mapping[str, Any]:
    """The body of POST /chat/completions. The prefix is stable, so OpenAI caches it without being told to."""
    # OpenAI's reasoning models refuse `max_tokens`, also behind gateways; several other servers ignore
    # `max_completion_tokens`.
    of_openai = settings.host.endswith((".openai.com", ".azure.com")) or _REASONS.search(told.model) is not None
    sent: dict[str, Any] = {
        "model": told.model,
        "messages": chat_messages(told),
        "max_completion_tokens" if of_openai else "max_tokens": request.max_tokens,
        "seed": model_seed(request),
        **temperature(request, settings),
    }
    if told.tools:
        sent["tools"] = chat_tools(told.tools)
    if request.output is not None:
        sent["response_format"] = {"type": "json_schema", "json_schema": _strict(request.output)}
    return sent


def responses_body(request: ChatRequest, told: Dialogue, settings: OpenaiSettings) -> Mapping[str, Any]:
    """The body of POST /responses, which has no seed."""
    sent: dict[str, Any] = {
        "model": told.model,
        "instructions": told.system,
        "input": response_items(told),
        "max_output_tokens": request.max_tokens,
        "store": False,
        **temperature(request, settings),
    }
    if told.tools:
        sent["tools"] = response_tools(told.tools)
    if request.output is not None:
        sent["text"] = {"format": {"type": "json_schema", **_strict(request.output)}}
    return sent


def read_embeddings(answer: Any) -> Embedded:
    """The answer of /embeddings, which numbers the vectors."""
    vectors = {one["index"]: one["embedding"] for one in answer["data"]}
    return embedded([vectors[index] for index in sorted(vectors)], answer.get("usage"), "prompt_tokens")


def _strict(output: Output) -> dict[str, Any]:
    return {"name": output.name, "schema": output.schema, "strict": True}
