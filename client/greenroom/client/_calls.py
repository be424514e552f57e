"""How calls are made: with the caller's token, a deadline, and again where a lost connection makes that safe."""

import asyncio
import random
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import grpc

from greenroom.client._errors import GreenroomError, decoded

_CANCELLED = "The server ended the call."


class _Page(Protocol):
    next_page_token: str


class _Message(Protocol):
    cursor: str


Request = TypeVar("Request")
Response = TypeVar("Response")
Page = TypeVar("Page", bound=_Page)
Message = TypeVar("Message", bound=_Message)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often to try, and how long to wait before trying again: doubling, with jitter."""

    attempts: int
    """How often at most; for a stream, since its last message."""
    initial: float = 0.1
    """Seconds before the second attempt."""
    maximum: float = 5.0
    """Seconds before any attempt at most."""

    async def wait(self, failures: int) -> None:
        """Wait as long as is due after so many failures in a row, 1 or more."""
        longest = min(self.maximum, self.initial * 2.0 ** min(failures - 1, 30))
        await asyncio.sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311


@dataclass(frozen=True, slots=True)
class Calls:
    """What all calls of one client have in common.

    timeout: seconds that a unary call may take, its further attempts included.
    retry: for calls, and for streams that never got through. reconnect: for streams that did.
    """

    channel: grpc.aio.Channel
    token: str | None
    timeout: float
    retry: Backoff
    reconnect: Backoff

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    async def unary(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        *,
        again: bool = True,
    ) -> Response:
        """Call method. again: whether a second call does no more than the first, so that it may be repeated."""
        clock = asyncio.get_running_loop().time
        end = clock() + self.timeout

        async def attempt() -> Response:
            return await method(request, metadata=self.metadata, timeout=max(0.0, end - clock()))

        return await self.repeated(attempt, attempts=self.retry.attempts if again else 1)

    async def repeated(self, attempt: Callable[[], Awaitable[Response]], *, attempts: int) -> Response:
        """The result of attempt, which is made again while the server is unavailable."""
        failures = 0
        while True:
            try:
                return await caught(attempt())
            except GreenroomError as error:
                failures += 1
                if error.code != "UNAVAILABLE" or failures >= attempts:
                    raise
            await self.retry.wait(failures)

    async def pages(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Any, Page]",
        request: Any,
        items: Callable[[Page], Iterable[Item]],
    ) -> AsyncIterator[Item]:
        """The items of all pages, each page asked for when it is needed. Sets the request's page_token."""
        while True:
            page = await self.unary(method, request)
            for item in items(page):
                yield item
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def resumed(
        self,
        method: "grpc.aio.UnaryStreamMultiCallable[Any, Message]",
        request: Any,
        *,
        is_last: Callable[[Message], bool] | None = None,
        continued: Callable[[Message], None] | None = None,
    ) -> AsyncGenerator[Message, None]:
        """The messages of a stream that goes on by cursor whenever it is lost. Sets the request's cursor.

        is_last: tells the message that ends the stream; without it, the server's OK does.
        continued: is given the first message after each loss, to take away what the server says anew.
        """
        failures, backoff = 0, self.retry
        while True:
            try:
                async with aclosing(_messages(method(request, metadata=self.metadata))) as messages:
                    async for message in messages:
                        if failures and request.cursor and continued is not None:
                            continued(message)
                        failures, backoff = 0, self.reconnect
                        request.cursor = message.cursor or request.cursor
                        yield message
                        if is_last is not None and is_last(message):
                            return
                if is_last is None:
                    return
                lost = GreenroomError("UNAVAILABLE", "", "The stream ended before its summary.")
            except GreenroomError as error:
                lost = error
            # A server whose grace is over ends its streams with CANCELLED.
            failures += 1
            if lost.code not in ("UNAVAILABLE", "CANCELLED") or failures >= backoff.attempts:
                raise lost
            await backoff.wait(failures)


def new_request_id() -> str:
    """An id that makes a create safe to repeat."""
    return str(uuid.uuid4())


async def caught(call: Awaitable[Response]) -> Response:
    """Await call. Raises GreenroomError for whatever it fails with, and CancelledError only if we are cancelled."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise decoded(error) from error
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise GreenroomError("CANCELLED", "", _CANCELLED) from error


async def _messages(call: "grpc.aio.UnaryStreamCall[Any, Message]") -> AsyncGenerator[Message, None]:
    """The messages of call, which is cancelled when they are left early: the server would go on otherwise."""
    try:
        async for message in call:
            yield message
    except grpc.aio.AioRpcError as error:
        raise decoded(error) from error
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise GreenroomError("CANCELLED", "", _CANCELLED) from error
    finally:
        call.cancel()


def _is_cancelled() -> bool:
    # grpc.aio raises the same when the server ended the call with CANCELLED as when this task is cancelled.
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
