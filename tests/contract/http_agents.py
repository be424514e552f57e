"""An agent over HTTP that answers as a test says."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from jsonschema import Draft202012Validator

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "agent.schema.json").read_text())
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def whole(body: Any, status: int = 200, **headers: str) -> Answer:
    """Answer with JSON."""
    return raw(json.dumps(body), "application/json", status, **headers)


def raw(text: str, kind: str = "text/html", status: int = 200, **headers: str) -> Answer:
    """Answer with any text."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=kind, status=status, headers=headers)

    return answer


def streamed(*events: Any) -> Answer:
    """Answer with server-sent events; a text is sent as it is."""
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return raw("".join(f"data: {text}\n\n" for text in texts), "text/event-stream")


def chat(text: str = "", *calls: tuple[str, str], reason: str = "stop") -> dict[str, Any]:
    """An answer of Chat Completions."""
    tool_calls = [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": text or None, **({"tool_calls": tool_calls} if calls else {})}
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def responses(text: str = "", *calls: tuple[str, str]) -> dict[str, Any]:
    """An answer of Responses."""
    said = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]
    called = [
        {"type": "function_call", "call_id": f"call_{place}", "name": name, "arguments": arguments}
        for place, (name, arguments) in enumerate(calls)
    ]
    return {"status": "completed", "output": [*(said if text else []), *called]}


def wrong(message: str, body: Any) -> list[str]:
    """How a body breaks the published schema."""
    schema = {"$ref": f"#/$defs/greenroom.agent.v1.{message}", **SCHEMA}
    return [error.message for error in Draft202012Validator(schema).iter_errors(body)]


@dataclass
class Bot:
    """Answers with one answer after another, the last again and again. asked: the requests (path, headers, body)."""

    address: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    asked_at: list[float] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The next answer."""
        self.asked_at.append(time.monotonic())
        text = await request.text()
        headers = {name.lower(): value for name, value in request.headers.items()} | {"": text}
        self.asked.append((request.path, headers, json.loads(text)))
        return await self.answers[min(len(self.asked), len(self.answers)) - 1](request)

    @property
    def bodies(self) -> list[Any]:
        """The bodies of the requests."""
        return [body for _, _, body in self.asked]


@asynccontextmanager
async def bot() -> AsyncIterator[Bot]:
    """A bot on a free port of loopback."""
    running = Bot()
    app = web.Application(client_max_size=16 << 20)
    app.add_routes([web.post("/{path:.*}", running.answer)])
    # A handler ends with its connection, so that a caller who gives up leaves none behind.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    running.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield running
    await runner.cleanup()
