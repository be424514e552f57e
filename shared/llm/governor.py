"""Sends a provider no more calls than it takes, and shares them fairly between those who ask."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic

from shared.llm.base import Caller, ChatRequest, ModelUnavailable, RateLimits
from shared.llm.decorated import Model, Q, R
from shared.llm.embedding import EmbeddingRequest
from shared.llm.fair_queue import FairQueue
from shared.llm.rate import Rate, Room, Share
from shared.waits import waits_for

_BYTES_PER_TOKEN = 3
"""Fewer than the tokenizers of vendors need on average: 4 in English, and 3 in the scripts with the shortest tokens."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider takes with one key; None is no limit. Tokens are those of input and output together."""

    calls_in_flight: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(slots=True, eq=False)
class _Call:
    """A call. turn: done when it may start. tokens: the most that it may need. shares: its parts of the rates, once
    it started: requests, tokens."""

    caller: Caller
    tokens: int
    turn: asyncio.Future[None]
    shares: tuple[Share, Share] | None = None


class Governor(Generic[Q, R]):
    """Lets calls start when the limits, and what the provider said of its own, permit. One for each provider and key.

    Calls wait in turns: each company gets one call, then the next company; in a company each batch in the same way. So
    a small batch never waits for the end of a large one. A call reserves the most tokens that it may need, and gives
    back what it did not use when it ends. Nothing polls: a call starts when another ends, or at one timer.
    """

    def __init__(self, model: Model[Q, R], limits: Limits) -> None:
        self._model: Model[Q, R] = model
        self._room = Room(limits.calls_in_flight)
        self._requests = Rate(limits.requests_per_minute)
        self._tokens = Rate(limits.tokens_per_minute)
        self._waiting: FairQueue[_Call] = FairQueue()
        self._timer: asyncio.TimerHandle | None = None

    async def complete(self, request: Q) -> R:
        """Answer the request when its turn comes."""
        loop = asyncio.get_running_loop()
        tokens = most_tokens(request) if self._tokens.bounded else 0
        call = _Call(request.caller, tokens, loop.create_future())
        self._waiting.push(call.caller.company, call.caller.batch, call)
        self._admit()
        used, told = tokens, None
        try:
            if not call.turn.done():
                look = None if self._timer is None else self._timer.when() - loop.time()
                waits_for("the limits of its provider let no other call start yet", look)
                await call.turn
                waits_for("")
            reply = await self._model.complete(request)
            used, told = reply.usage.input_tokens + reply.usage.output_tokens, reply.limits
            self._room.answered()
        except ModelUnavailable as error:
            told = error.limits
            if error.throttled:
                used = 0
                self._room.refused(loop.time())
            raise
        finally:
            self._end(call, used, told)
            self._admit()
        return reply

    def _admit(self) -> None:
        """Start the calls that may start, in their order; else look again when the first of them may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting and self._room.free:
            call, now = self._waiting.first(), loop.time()
            if call.turn.cancelled():
                self._waiting.pop()
                continue
            delay = max(self._requests.delay(1, now), self._tokens.delay(call.tokens, now))
            if delay > 0:
                self._timer = loop.call_later(delay, self._admit)
                return
            self._waiting.pop()
            self._room.enter()
            call.shares = self._requests.start(1, now), self._tokens.start(call.tokens, now)
            call.turn.set_result(None)

    def _end(self, call: _Call, tokens: int, told: RateLimits | None) -> None:
        """Give back what the call held, or its place in the queue if it was cancelled there."""
        if call.shares is None:
            self._waiting.discard(call.caller.company, call.caller.batch, call)
            return
        self._room.leave()
        request, share = call.shares
        self._tokens.end(share, tokens)
        if told is not None:
            now = asyncio.get_running_loop().time()
            self._requests.tell(request, told.requests_left, told.requests_reset, now)
            self._tokens.tell(share, told.tokens_left, told.tokens_reset, now)


def most_tokens(request: ChatRequest | EmbeddingRequest) -> int:
    """An estimate of the tokens that the request needs, on the high side: its text, and the longest answer."""
    texts, answer = (_texts(request), request.max_tokens) if isinstance(request, ChatRequest) else (request.texts, 0)
    return sum(len(text.encode()) for text in texts) // _BYTES_PER_TOKEN + answer


def _texts(request: ChatRequest) -> Iterator[str]:
    yield request.system
    if request.output is not None:
        yield repr(request.output.schema)
    for tool in request.tools:
        yield f"{tool.name}{tool.description}{tool.arguments_schema}"
    for message in request.messages:
        yield message.text
        if message.call is not None:
            yield f"{message.call.tool}{message.call.arguments}"
        if message.role == "tool":
            yield repr(message.result)
