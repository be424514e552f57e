"""The watch contract: batches of items as they come, a heartbeat in silence, and a cursor with every message."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from shared.errors import Unavailable
from shared.rpc.handlers import Context, Layer

T = TypeVar("T")
M = TypeVar("M")

HEARTBEAT_SECONDS = 15.0
GATHER_SECONDS = 0.05
MESSAGE_ITEMS = 100
MESSAGE_BYTES = 1 << 20
"""What the items of a message come to at most, well within the 4 MiB of a message; a larger item goes alone."""

_draining: ContextVar[asyncio.Event] = ContextVar("draining")


class ServerDraining(Unavailable):
    """The server is shutting down; continue from the last cursor, on another replica or in a moment."""

    reason = "SERVER_DRAINING"


class Draining(Layer):
    """Lets the watches of a server know when it drains."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    @asynccontextmanager
    async def guard(self, method: str, context: Context) -> AsyncIterator[None]:  # noqa: ARG002
        _draining.set(self._event)
        yield


def stop_if_draining() -> None:
    """For streams that are never silent, between two messages: raises ServerDraining when the server drains."""
    if _draining.get(asyncio.Event()).is_set():
        raise ServerDraining


async def watch(
    pages: AsyncGenerator[Sequence[T], None],
    *,
    message: Callable[[Sequence[T]], M],
    heartbeat: Callable[[T | None], M],
    size: Callable[[T], int],
    silence: float = HEARTBEAT_SECONDS,
    gather: float = GATHER_SECONDS,
) -> AsyncGenerator[M, None]:
    """Turn pages of stored items into messages, until pages end.

    pages: yields what there is, then waits for more. It is read no further ahead than one message, so a stalled reader
        costs one page of memory.
    message: from 1 to 100 items of up to MESSAGE_BYTES. After idleness the first goes at once; then what `gather`
        seconds brought.
    heartbeat: from the newest item sent, None before the first; sent after `silence` seconds without another message.
    size: the bytes of an item in a message.

    When the server drains, sends what it holds and a last heartbeat, then raises ServerDraining. Whatever ends it, the
    pages are closed.
    """
    clock = asyncio.get_running_loop().time
    draining = asyncio.create_task(_draining.get(asyncio.Event()).wait())
    page: asyncio.Task[Sequence[T] | None] | None = None
    held: list[T] = []
    count, full = 0, False
    newest: T | None = None
    ended = False
    spoke_at, items_at = clock(), clock() - gather
    try:
        while True:
            if page is None and not ended and not full:
                page = asyncio.create_task(_next(pages))
            due = items_at + gather if held else spoke_at + silence
            if page is not None:
                waiting: set[asyncio.Task[Any]] = {page, draining}
                await asyncio.wait(waiting, timeout=max(0.0, due - clock()), return_when="FIRST_COMPLETED")
                if page.done():
                    items, page = page.result(), None
                    ended = items is None
                    held += items or ()
                    count, full = _fitting(held, size)
            if held and (full or ended or draining.done() or clock() >= items_at + gather):
                sent, held = held[:count], held[count:]
                count, full = _fitting(held, size)
                newest = sent[-1]
                yield message(sent)
                items_at = spoke_at = clock()
            elif ended:
                return
            elif draining.done():
                yield heartbeat(newest)
                raise ServerDraining
            elif clock() >= spoke_at + silence:
                yield heartbeat(newest)
                spoke_at = clock()
    finally:
        draining.cancel()
        if page is not None:
            # A generator cannot be closed while it is being read. Waiting, unlike awaiting, raises none of its errors.
            page.cancel()
            await asyncio.wait({page})
        await pages.aclose()


def _fitting(held: Sequence[T], size: Callable[[T], int]) -> tuple[int, bool]:
    """How many of the held items make up the next message, and whether it has no room for another."""
    used = 0
    for count, item in enumerate(held):
        used += size(item)
        if count == MESSAGE_ITEMS or (count and used > MESSAGE_BYTES):
            return count, True
    return len(held), len(held) == MESSAGE_ITEMS


async def _next(pages: AsyncGenerator[Sequence[T], None]) -> Sequence[T] | None:
    return await anext(pages, None)
