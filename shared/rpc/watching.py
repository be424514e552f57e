"""Watches of stored events: where they start, and when they end."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from shared.rpc.cursors import CursorExpired, decode_token, number

QUIET = 15.0
"""Seconds without an event after which a watch checks that the resource still exists."""


class Ending(Protocol):
    """A watched event. ends: True if it may be the last."""

    @property
    def ends(self) -> bool: ...


E = TypeVar("E", bound=Ending)


def read_cursor(kind: str, name: str, cursor: str, head: int) -> int:
    """The position after which a watch continues; 0 without a cursor.

    Raises CursorMalformed, CursorForeign, and CursorExpired for a position after head.
    """
    if not cursor:
        return 0
    position = number(decode_token(kind, name, cursor), field="cursor")
    if position > head:
        raise CursorExpired
    return position


async def until_over(
    followed: AsyncGenerator[list[E], None],
    after: int,
    position: Callable[[E], int],
    end: Callable[[], Awaitable[int | None]],
) -> AsyncGenerator[Sequence[E], None]:
    """The followed pages, up to the last event of a resource that is over.

    end: returns the position of the last event if the resource is over, else None. Called again when that position is
        reached, to follow a retry, and after QUIET seconds, to notice a deletion.
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
            after = position(page[-1])
            # Every resource ends with an event, so `end` is needed only after such an event.
            if any(watched.ends for watched in page):
                last = await end()
    finally:
        if reading is not None:
            # A generator cannot be closed while it runs. asyncio.wait, unlike await, raises none of its errors.
            reading.cancel()
            await asyncio.wait({reading})
        await followed.aclose()


async def _next(followed: AsyncGenerator[list[E], None]) -> list[E]:
    return await anext(followed)
