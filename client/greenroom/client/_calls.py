"""Makes calls with the token and a deadline, and retries them where that is safe."""

import asyncio
import random
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import grpc

from greenroom.client._errors import GreenroomError, decoded
from greenroom.client._listing import Listing

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
    """How often to try, and how long to wait in between: exponential backoff with jitter."""

    attempts: int
    """The maximum number of attempts; a stream counts them from its last message."""
    initial: float = 0.1
    """Seconds before the second attempt."""
    maximum: float = 5.0
    """The longest wait in seconds."""

    async def wait(self, failures: int) -> None:
        """Wait before the next attempt. failures: the number of failures in a row, at least 1."""
        longest = min(self.maximum, self.initial * 2.0 ** min(failures - 1, 30))
        await asyncio.sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311


@dataclass(slots=True)
class Link:
    """The connection of a stream. lost: since when it is lost, in seconds of the event loop; None while it is not."""

    lost: float | None = None

    @property
    def lost_seconds(self) -> float:
        """How long it has been lost; 0 while it is not."""
        return 0.0 if self.lost is None else asyncio.get_running_loop().time() - self.lost


@dataclass(frozen=True, slots=True)
class Calls:
    """The connection and the options of all calls of a client.

    timeout: seconds for a unary call including its retries.
    retry: for calls, and for streams before their first message. reconnect: for streams after it.
    silence: seconds without a message after which the connection of a watch counts as lost; its server sends a
        heartbeat every 15 s.
    link: the connection of exports and other streams that are no watches.
    """

    channel: grpc.aio.Channel
    token: str | None
    timeout: float
    retry: Backoff
    reconnect: Backoff
    acting_as: str | None = None
    silence: float = 35.0
    link: Link = field(default_factory=Link)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The metadata of every call."""
        token = (("authorization", f"Bearer {self.token}"),) if self.token else ()
        return (*token, ("greenroom-as", self.acting_as)) if self.acting_as else token

    async def unary(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        *,
        again: bool = True,
    ) -> Response:
        """Call a method. again: True if a retry is safe."""
        clock = asyncio.get_running_loop().time
        end = clock() + self.timeout

        async def attempt() -> Response:
            return await method(request, metadata=self.metadata, timeout=max(0.0, end - clock()))

        return await self.repeated(attempt, attempts=self.retry.attempts if again else 1)

    async def repeated(self, attempt: Callable[[], Awaitable[Response]], *, attempts: int) -> Response:
        """Call `attempt` until it succeeds; retry while the server is unavailable."""
        failures = 0
        while True:
            try:
                return await caught(attempt())
            except GreenroomError as error:
                failures += 1
                if error.code != "UNAVAILABLE" or failures >= attempts:
                    raise
            await self.retry.wait(failures)

    def listing(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Any, Page]",
        request: Any,
        items: Callable[[Page], Iterable[Item]],
    ) -> Listing[Item]:
        """The items of all pages. Sets the page_token of the request."""
        return Listing(self._pages(method, request), items)

    async def _pages(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Any, Page]", request: Any
    ) -> AsyncGenerator[Page, None]:
        while True:
            page = await self.unary(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def streamed(
        self, method: "grpc.aio.UnaryStreamMultiCallable[Any, Response]", request: Any
    ) -> AsyncGenerator[Response, None]:
        """The messages of a stream that has no cursor, so that it is not resumed."""
        async with aclosing(_messages(method(request, metadata=self.metadata), None)) as messages:
            async for message in messages:
                yield message

    async def resumed(
        self,
        method: "grpc.aio.UnaryStreamMultiCallable[Any, Message]",
        request: Any,
        *,
        is_last: Callable[[Message], bool] | None = None,
        continued: Callable[[Message], None] | None = None,
        link: Link | None = None,
    ) -> AsyncGenerator[Message, None]:
        """The messages of a stream, resumed at its cursor after each lost connection. Sets the cursor of the request.

        is_last: True for the message that ends the stream; without it, the status OK ends the stream.
        continued: called with the first message after each reconnect, to remove what the server repeats.
        link: of a watch, whose connection also counts as lost when two heartbeats are missing; else of the others.
        """
        failures, backoff = 0, self.retry
        silence = self.silence if link else None
        link = link or self.link
        while True:
            try:
                async with aclosing(_messages(method(request, metadata=self.metadata), silence)) as messages:
                    async for message in messages:
                        if failures and request.cursor and continued is not None:
                            continued(message)
                        failures, backoff, link.lost = 0, self.reconnect, None
                        request.cursor = message.cursor or request.cursor
                        yield message
                        if is_last is not None and is_last(message):
                            return
                if is_last is None:
                    return
                lost = GreenroomError("UNAVAILABLE", "", "The stream ended before its summary.")
            except GreenroomError as error:
                lost = error
            # A server that stops ends the remaining streams with CANCELLED.
            failures += 1
            link.lost = link.lost or asyncio.get_running_loop().time()
            if lost.code not in ("UNAVAILABLE", "CANCELLED") or failures >= backoff.attempts:
                raise lost
            await backoff.wait(failures)


def new_request_id() -> str:
    """A request_id, which makes a create safe to repeat."""
    return str(uuid.uuid4())


async def caught(call: Awaitable[Response]) -> Response:
    """Await a call. Raises GreenroomError if it fails, and CancelledError only if this task is cancelled."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise decoded(error) from error
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise GreenroomError("CANCELLED", "", _CANCELLED) from error


async def _messages(
    call: "grpc.aio.UnaryStreamCall[Any, Response]", silence: float | None
) -> AsyncGenerator[Response, None]:
    """The messages of a stream; cancels the call if the reader stops early, so that the server stops too.

    silence: the longest wait for a message in seconds.
    """
    try:
        while True:
            async with asyncio.timeout(silence):
                message = await call.read()
            if message is grpc.aio.EOF:
                return
            yield message  # type: ignore[misc]
    except TimeoutError:
        raise GreenroomError("UNAVAILABLE", "", f"The server sent nothing for {silence:g} s.") from None
    except grpc.aio.AioRpcError as error:
        raise decoded(error) from error
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise GreenroomError("CANCELLED", "", _CANCELLED) from error
    finally:
        call.cancel()


def _is_cancelled() -> bool:
    # grpc.aio raises CancelledError both when the server ends the call with CANCELLED and when this task is cancelled.
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
