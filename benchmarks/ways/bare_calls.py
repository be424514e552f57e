"""The calls of conversations as a bare asyncio loop makes them: the vendor's SDK, and nothing kept."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anthropic
import httpx2
import ollama
import openai

from shared.llm.persona_reply import PERSONA_REPLY

_SYSTEM = "You play a customer in a rehearsal. Be brief, and never speak for the company. " * 12
_SAID = "I understand. Could you tell me a little more about what you need, please?"
_LIMITS = httpx2.Limits(max_connections=10_000)

Messages = list[dict[str, Any]]
Ask = Callable[[Messages, bool], Awaitable[Any]]
"""Asks with these messages, and for a persona's reply if true; returns what holds the answer."""


async def bare_calls(provider: str, address: str, conversations: int, turns: int) -> tuple[float, float]:
    """Make two calls a turn, one after the other in each conversation; returns seconds of wall and processor time."""
    async with WAYS[provider](address) as ask:
        await _conversation(ask, 1)
        wall, processor = time.perf_counter(), time.process_time()
        await asyncio.gather(*(_conversation(ask, turns) for _ in range(conversations)))
        return time.perf_counter() - wall, time.process_time() - processor


async def _conversation(ask: Ask, turns: int) -> None:
    messages: Messages = []
    for _ in range(turns):
        for role, persona in (("user", True), ("assistant", False)):
            assert await ask(messages or [{"role": "user", "content": "Hello."}], persona)
            messages.append({"role": role, "content": _SAID})


@asynccontextmanager
async def _openai(address: str) -> AsyncIterator[Ask]:
    schema = {"name": PERSONA_REPLY.name, "schema": PERSONA_REPLY.schema, "strict": True}
    form = {"response_format": {"type": "json_schema", "json_schema": schema}}
    client = openai.AsyncOpenAI(
        api_key="none",
        base_url=f"http://{address}/v1",
        max_retries=0,
        http_client=openai.DefaultAioHttpClient(limits=_LIMITS),
    )

    async def ask(messages: Messages, persona: bool) -> Any:
        said = [{"role": "system", "content": _SYSTEM}, *messages]
        body = {"model": "stub", "messages": said, "max_tokens": 4096, **(form if persona else {})}
        answer = await client.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            content=json.dumps(body).encode(),
            options={"headers": {"content-type": "application/json"}},
        )
        return json.loads(answer.content)["choices"]

    async with client:
        yield ask


@asynccontextmanager
async def _anthropic(address: str) -> AsyncIterator[Ask]:
    form = {"output_config": {"format": {"type": "json_schema", "schema": PERSONA_REPLY.schema}}}
    client = anthropic.AsyncAnthropic(
        api_key="none",
        base_url=f"http://{address}",
        max_retries=0,
        http_client=anthropic.DefaultAioHttpClient(limits=_LIMITS),
    )

    async def ask(messages: Messages, persona: bool) -> Any:
        body = {
            "model": "stub",
            "system": _SYSTEM,
            "messages": messages,
            "max_tokens": 4096,
            **(form if persona else {}),
        }
        answer = await client.post(
            "/v1/messages",
            cast_to=httpx2.Response,
            content=json.dumps(body).encode(),
            options={"headers": {"content-type": "application/json"}},
        )
        return json.loads(answer.content)["content"]

    async with client:
        yield ask


@asynccontextmanager
async def _ollama(address: str) -> AsyncIterator[Ask]:
    form = {"format": PERSONA_REPLY.schema}
    client = ollama.AsyncClient(f"http://{address}", timeout=None)

    async def ask(messages: Messages, persona: bool) -> Any:
        said = [{"role": "system", "content": _SYSTEM}, *messages]
        body = {"model": "stub", "messages": said, "stream": False, **(form if persona else {})}
        http = client._client
        answer = await http.send(http.build_request("POST", "/api/chat", content=json.dumps(body).encode()))
        return json.loads(answer.content)["message"]

    async with client:
        yield ask


WAYS: Mapping[str, Callable[[str], AbstractAsyncContextManager[Ask]]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "ollama": _ollama,
}
"""How each provider's SDK asks the server at an address, at its least."""
