"""Watches of stored events: where one goes on, and up to where it goes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from shared.rpc.cursors import CursorExpired, decode_token, number

QUIET = 15.0
"""Seconds without an event after which a watch asks whether what it watches is still there."""


class Ending(Protocol):
    """A watched event; `ends` when it may be the last one."""

    @property
    def ends(self) -> bool: ...


E = TypeVar("E", bound=Ending)


def read_cursor(kind: str, name: str, cursor: str, head: int) -> int:
    """The place after which a watch goes on: 0 without a cursor.

    Raises CursorMalformed, CursorForeign, and CursorExpired for a place beyond head.
    """
    if not cursor:
        return 0
    place = number(decode_token(kind, name, cursor), field="cursor")
    if place > head:
        raise CursorExpired
    return place


async def until_over(
    followed: AsyncGenerator[list[E], None],
    after: int,
    place: Callable[[E], int],
    end: Callable[[], Awaitable[int | None]],
) -> AsyncGenerator[Sequence[E], None]:
    """The followed pages, up to the last event of what is over.

    end: the place of the last event if it is over, None while it goes on. It is asked anew when that place is reached,
        so that a retry meanwhile is followed too, and after QUIET seconds, so that what was deleted is noticed.
    """
    reading: asyncio.Task[list[E]] | None = None
    try:
        last = await end()
        while last is None or after < last:
            reading = reading or asyncio.create_task(_next(followed))
            await asyncio.wait({reading}, timeout=QUIET)
            if not reading.done():
                last = await end()
                continue
            page, reading = reading.result(), None
            yield page
            after = place(page[-1])
            # Every ending is an event: nothing needs to be asked before one comes.
            if any(watched.ends for watched in page):
                last = await end()
    finally:
        if reading is not None:
            # A generator cannot be closed while it is being read. Waiting, unlike awaiting, raises none of its errors.
            reading.cancel()
            await asyncio.wait({reading})
        await followed.aclose()


async def _next(followed: AsyncGenerator[list[E], None]) -> list[E]:
    return await anext(followed)
