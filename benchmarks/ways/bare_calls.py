"""The calls of conversations as a bare asyncio loop makes them: OpenAI's SDK, and nothing kept."""

import asyncio
import json
import time
from typing import Any

import httpx2
import openai

from shared.llm.persona_reply import PERSONA_REPLY

_SYSTEM = "You play a customer in a rehearsal. Be brief, and never speak for the company. " * 12
_SAID = "I understand. Could you tell me a little more about what you need, please?"


async def bare_calls(address: str, conversations: int, turns: int) -> tuple[float, float]:
    """Make two calls a turn, one after the other in each conversation; returns seconds of wall and processor time."""
    client = openai.AsyncOpenAI(
        api_key="none",
        base_url=f"http://{address}/v1",
        max_retries=0,
        http_client=openai.DefaultAioHttpClient(limits=httpx2.Limits(max_connections=10_000)),
    )
    async with client:
        await _conversation(client, 1)
        wall, processor = time.perf_counter(), time.process_time()
        await asyncio.gather(*(_conversation(client, turns) for _ in range(conversations)))
        return time.perf_counter() - wall, time.process_time() - processor


async def _conversation(client: openai.AsyncOpenAI, turns: int) -> None:
    messages: list[dict[str, Any]] = [{"role": "system", "content": _SYSTEM}]
    schema = {"name": PERSONA_REPLY.name, "schema": PERSONA_REPLY.schema, "strict": True}
    for _ in range(turns):
        for role, more in (
            ("user", {"response_format": {"type": "json_schema", "json_schema": schema}}),
            ("assistant", {}),
        ):
            body = {"model": "stub", "messages": messages, "max_tokens": 4096, **more}
            answer = await client.post(
                "/chat/completions",
                cast_to=httpx2.Response,
                content=json.dumps(body).encode(),
                options={"headers": {"content-type": "application/json"}},
            )
            assert json.loads(answer.content)["choices"]
            messages.append({"role": role, "content": _SAID})
