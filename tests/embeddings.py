"""A server of embeddings that speaks the protocols of OpenAI and Ollama, and does what a test tells it.

Its vectors count words by their hashes. Words that mean the same in the tests count as one, so that texts about the
same thing are near each other without sharing a word.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from aiohttp import web

NUMBERS = 64
"""How many numbers a vector has."""
_SAME = [{"car", "automobile", "vehicle"}, {"refund", "reimbursement", "repay"}, {"doctor", "physician"}]

Answer = Callable[[list[str]], Awaitable[Any]]
"""The texts → their vectors as JSON, or a response."""


def vector(text: str) -> list[float]:
    """The vector of a text, not of length 1."""
    numbers = [0.01] * NUMBERS
    for word in re.findall(r"\w+", text.lower()):
        group = next((min(same) for same in _SAME if word in same), word)
        numbers[crc32(group.encode()) % NUMBERS] += 1
    return numbers


async def right(texts: list[str]) -> Any:
    """The right answer."""
    return [vector(text) for text in texts]


@dataclass
class EmbeddingServer:
    """A running server. asked: the requests: path, headers by small names, body."""

    address: str = ""
    answer: Answer = right
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as told."""
        body = await request.json()
        self.asked.append((request.path, {name.lower(): text for name, text in request.headers.items()}, body))
        if request.path == "/api/show":
            return web.json_response({})
        found = await self.answer(body["input"])
        if isinstance(found, web.StreamResponse):
            return found
        if request.path == "/api/embed":
            return web.json_response({"model": body["model"], "embeddings": found, "prompt_eval_count": 7})
        data = [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(found)]
        usage = {"prompt_tokens": 7, "total_tokens": 7}
        return web.json_response({"object": "list", "data": data[::-1], "model": body["model"], "usage": usage})

    @property
    def texts(self) -> list[str]:
        """All texts that were embedded or should have been."""
        return [text for _, _, body in self.asked for text in body.get("input", [])]


@asynccontextmanager
async def embedding_server() -> AsyncIterator[EmbeddingServer]:
    """A server on a free port of loopback."""
    running = EmbeddingServer()
    app = web.Application(client_max_size=16 << 20)
    app.add_routes([web.post("/{path:.*}", running.handle)])
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    running.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield running
    await runner.cleanup()
