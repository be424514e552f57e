"""The watch contract: items in batches as they arrive, a heartbeat in silence, and a cursor in every message."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from shared.auth import TokenExpired, seconds_left
from shared.errors import Unavailable
from shared.rpc.handlers import Context, Layer

T = TypeVar("T")
M = TypeVar("M")

HEARTBEAT_SECONDS = 15.0
FIRST_HEARTBEAT_SECONDS = 1.0
GATHER_SECONDS = 0.05
MESSAGE_ITEMS = 100
MESSAGE_BYTES = 1 << 20
"""The most bytes of items in a message, well below its 4 MiB; a larger item is sent alone."""

WATCH_BYTES = 64 << 20
"""The most bytes of items in one watch: a reader with a huge window that never reads makes gRPC hold all of them."""

_draining: ContextVar[asyncio.Event] = ContextVar("draining")


class ServerDraining(Unavailable):
    """The server is shutting down; continue from the last cursor, on another replica or in a moment."""

    reason = "SERVER_DRAINING"


class WatchTooLong(Unavailable):
    """The watch has sent as much as one stream may; continue from its last cursor."""

    reason = "WATCH_TOO_LONG"


class Draining(Layer):
    """Tells the watches of a server when it drains."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    @asynccontextmanager
    async def guard(self, method: str, context: Context) -> AsyncIterator[None]:  # noqa: ARG002
        _draining.set(self._event)
        yield


def check_stream() -> None:
    """Raise ServerDraining if the server drains, and TokenExpired if the caller's token has expired.

    For streams without heartbeats, between two messages.
    """
    if _draining.get(asyncio.Event()).is_set():
        raise ServerDraining
    if seconds_left() <= 0:
        raise TokenExpired


async def watch(
    pages: AsyncGenerator[Sequence[T], None],
    *,
    message: Callable[[Sequence[T]], M],
    heartbeat: Callable[[T | None], M],
    size: Callable[[T], int],
    first: float = FIRST_HEARTBEAT_SECONDS,
    silence: float = HEARTBEAT_SECONDS,
    gather: float = GATHER_SECONDS,
) -> AsyncGenerator[M, None]:
    """Turn pages of stored items into messages, until pages end.

    pages: yields the stored items, then waits for more. Only one message is read ahead, so a stalled reader costs one
        page of memory.
    message: makes a message from 1 to 100 items of up to MESSAGE_BYTES. After silence the first item is sent at once,
        later items are gathered for `gather` seconds.
    heartbeat: makes a message from the newest sent item, None before the first; sent after `silence` seconds. The
        first is sent after `first` seconds if there is no item yet, so that a client knows that it is connected.
    size: the bytes of an item in a message.

    When the server drains or the caller's token expires, sends the held items and a last heartbeat, then raises
    ServerDraining or TokenExpired. After WATCH_BYTES raises WatchTooLong. Closes the pages in every case.
    """
    clock = asyncio.get_running_loop().time
    draining = asyncio.create_task(_draining.get(asyncio.Event()).wait())
    page: asyncio.Task[Sequence[T] | None] | None = None
    held: list[T] = []
    count, full, total = 0, False, 0
    newest: T | None = None
    ended = False
    # As if the last message had been sent earlier, so that the first heartbeat is due after `first` seconds.
    spoke_at, items_at = clock() - silence + min(first, silence), clock() - gather
    try:
        while True:
            if page is None and not ended and not full:
                page = asyncio.create_task(_next(pages))
            due = items_at + gather if held else spoke_at + silence
            if page is not None:
                waiting: set[asyncio.Task[Any]] = {page, draining}
                left = max(0.0, min(due - clock(), seconds_left()))
                await asyncio.wait(waiting, timeout=left, return_when="FIRST_COMPLETED")
                if page.done():
                    items, page = page.result(), None
                    ended = items is None
                    held += items or ()
                    count, full = _fitting(held, size)
            expired = seconds_left() <= 0
            if held and (full or ended or expired or draining.done() or clock() >= items_at + gather):
                sent, held = held[:count], held[count:]
                count, full = _fitting(held, size)
                newest = sent[-1]
                yield message(sent)
                items_at = spoke_at = clock()
                total += sum(map(size, sent))
                if total >= WATCH_BYTES:
                    raise WatchTooLong
            elif ended:
                return
            elif expired or draining.done():
                yield heartbeat(newest)
                raise TokenExpired if expired else ServerDraining
            elif clock() >= spoke_at + silence:
                yield heartbeat(newest)
                spoke_at = clock()
    finally:
        draining.cancel()
        if page is not None:
            # A generator cannot be closed while it runs. asyncio.wait, unlike await, raises none of its errors.
            page.cancel()
            await asyncio.wait({page})
        await pages.aclose()


def _fitting(held: Sequence[T], size: Callable[[T], int]) -> tuple[int, bool]:
    """(number of held items in the next message, True if that message is full)"""
    used = 0
    for count, item in enumerate(held):
        used += size(item)
        if count == MESSAGE_ITEMS or (count and used > MESSAGE_BYTES):
            return count, True
    return len(held), len(held) == MESSAGE_ITEMS


async def _next(pages: AsyncGenerator[Sequence[T], None]) -> Sequence[T] | None:
    return await anext(pages, None)
