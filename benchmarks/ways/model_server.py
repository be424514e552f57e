"""A server of models that costs little itself, so that the others' costs can be seen. It speaks the protocols of
OpenAI (Chat Completions), Anthropic and Ollama.

    python -m benchmarks.ways.model_server SECONDS THROTTLED FAILED

It answers after SECONDS. Of all requests it refuses the share THROTTLED with 429, and fails the share FAILED with 500.
GET /seen returns what it saw, as JSON: `requests`, `in_flight`, and `busiest_minute`, the most that came in any minute.
"""

import asyncio
import json
import random
import sys
import time
from typing import Any

import uvloop
from aiohttp import web

_TEXT = "I understand. Could you tell me a little more about what you need, please?"
_REPLY = {
    "reasoning": "I want to know more.",
    "message": _TEXT,
    "sentiment": "neutral",
    "likely_to_convert": 50,
    "leaves": False,
}


class ModelServer:
    """Answers as a persona if JSON is asked for, else as an agent."""

    def __init__(self, seconds: float, throttled: float, failed: float) -> None:
        self._seconds = seconds
        self._throttled = throttled
        self._failed = failed
        self._dice = random.Random(1)
        self._times: list[float] = []
        self._in_flight = 0

    async def complete(self, request: web.Request) -> web.Response:
        """POST to a path of ANSWERS."""
        self._times.append(time.monotonic())
        body = await request.read()
        drawn = self._dice.random()
        if drawn < self._throttled:
            return web.Response(status=429, body=_error("too many requests"), headers={"retry-after": "1"})
        if drawn < self._throttled + self._failed:
            return web.Response(status=500, body=_error("it broke"))
        self._in_flight += 1
        await asyncio.sleep(self._seconds)
        self._in_flight -= 1
        persona, agent, form = ANSWERS[request.path]
        return web.Response(body=persona if form in body else agent, content_type="application/json")

    async def seen(self, _: web.Request) -> web.Response:
        """GET /seen."""
        busiest, first = 0, 0
        for last, at in enumerate(self._times):
            while self._times[first] <= at - 60:
                first += 1
            busiest = max(busiest, last - first + 1)
        return web.json_response(
            {"requests": len(self._times), "in_flight": self._in_flight, "busiest_minute": busiest}
        )


def _of_openai(content: str) -> bytes:
    message = {"role": "assistant", "content": content, "refusal": None}
    answer: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "stub",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 30, "total_tokens": 930},
    }
    return json.dumps(answer).encode()


def _of_anthropic(content: str) -> bytes:
    answer: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "stub",
        "content": [{"type": "text", "text": content}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 900, "output_tokens": 30},
    }
    return json.dumps(answer).encode()


def _of_ollama(content: str) -> bytes:
    answer: dict[str, Any] = {
        "model": "stub",
        "message": {"role": "assistant", "content": content},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 900,
        "eval_count": 30,
    }
    return json.dumps(answer).encode()


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "stub", "param": None, "code": None}}).encode()


ANSWERS = {
    path: (written(json.dumps(_REPLY)), written(_TEXT), form)
    for path, written, form in (
        ("/v1/chat/completions", _of_openai, b'"response_format"'),
        ("/v1/messages", _of_anthropic, b'"output_config"'),
        ("/api/chat", _of_ollama, b'"format"'),
    )
}
"""By path: the answer of a persona, that of an agent, and what a request for a persona's has."""


async def main() -> None:
    """Serve until ended."""
    server = ModelServer(*map(float, sys.argv[1:]))
    app = web.Application()
    app.add_routes([web.post(path, server.complete) for path in ANSWERS])
    app.router.add_get("/seen", server.seen)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print(f"model server listens on 127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
