"""Tails: many readers follow a feed or a stream for the price of one.

Positions are dense, so a feed falls into pages of 100 that never change once they are full. A page is read and encoded
once for all its readers and kept while it is among the last used; a reader holds nothing but its position, so one that
stalls costs no memory and slows nobody.
"""

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared.db.eventlog import EventLog, StoredEvent
from shared.db.topics import feed_topic, removal_topic, stream_topic
from shared.db.wakeups import Wakeups

T = TypeVar("T")

PAGE = 100
"""Events of a page, and the most that a follower gets at once."""
POLL = 1.0
"""Seconds after which a follower looks without having been woken."""
LINGER = 0.05
"""Seconds between two reads of one growing page: what came in between goes out together."""
KEPT = 32
"""Pages in memory at most, of all feeds and streams together."""
KEPT_BYTES = 32 << 20
"""Bytes of payload that the pages in memory come to at most; the page last used is kept whatever it comes to."""

_Read = Callable[[str, int, int], Awaitable[list[StoredEvent]]]


@dataclass(slots=True, eq=False)
class _Page(Generic[T]):
    """Events at positions `after` + 1 to `after` + PAGE, as far as they are there.

    read_to: the position up to which the page is known; a deleted stream leaves holes before it.
    size: bytes of payload.
    mark: where its wake-ups stood when it was empty; a removal after it makes the page void.
    asked: when its last read began.
    """

    read_to: int
    last: int
    mark: int
    size: int = 0
    positions: list[int] = field(default_factory=list)
    items: list[T] = field(default_factory=list)
    asked: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Tails(Generic[T]):
    """Follows feeds and streams of one event log.

    encode: what a reader gets for an event; called once an event, however many follow.
    """

    def __init__(self, log: EventLog, wakeups: Wakeups, encode: Callable[[StoredEvent], T]) -> None:
        self._log = log
        self._wakeups = wakeups
        self._encode = encode
        self._pages: OrderedDict[tuple[str, int], _Page[T]] = OrderedDict()

    def follow_feed(self, feed: str, after: int) -> AsyncGenerator[list[T], None]:
        """The feed's events after a position (0 for all), in lists of 1 to PAGE, without end.

        Raises StoreUnavailable; whoever is told continues after the last position it got.
        """
        return self._follow(feed_topic(feed), feed, after, self._log.read_feed, _position)

    def follow_stream(self, stream: str, after: int) -> AsyncGenerator[list[T], None]:
        """The stream's events after a seq (0 for all), as follow_feed."""
        return self._follow(stream_topic(stream), stream, after, self._log.read, _seq)

    async def _follow(
        self, topic: str, name: str, after: int, read: _Read, place: Callable[[StoredEvent], int]
    ) -> AsyncGenerator[list[T], None]:
        loop = asyncio.get_running_loop()
        fresh = loop.time()
        while True:
            mark = self._wakeups.mark(topic)
            page = self._page(topic, name, after)
            if page.read_to <= after:
                await self._extend(page, name, read, place, fresh)
            if page.read_to > after:
                items = page.items[bisect_right(page.positions, after) :]
                after = page.read_to
                if items:
                    yield items
                fresh = loop.time()
            else:
                woken = await self._wakeups.wait(topic, mark, POLL)
                # A poll is content with what another reader's poll saw a moment ago.
                fresh = loop.time() if woken else loop.time() - POLL / 2

    async def _extend(
        self, page: _Page[T], name: str, read: _Read, place: Callable[[StoredEvent], int], fresh: float
    ) -> None:
        """Read what has come to the page, unless somebody's read began after fresh."""
        loop = asyncio.get_running_loop()
        async with page.lock:
            if page.asked >= fresh:
                return
            if (wait := page.asked + LINGER - loop.time()) > 0:
                await asyncio.sleep(wait)
            asked = loop.time()
            for event in await read(name, page.read_to, page.last - page.read_to):
                position = place(event)
                if position <= page.last:
                    page.items.append(self._encode(event))
                    page.positions.append(position)
                    page.size += len(event.payload)
                # After a hole the rows reach into the next page; then this one is complete.
                page.read_to = min(position, page.last)
            # Not before: a reader that was cut off on the way has seen nothing for the others.
            page.asked = asked
        self._let_go()

    def _page(self, topic: str, name: str, after: int) -> _Page[T]:
        first = after // PAGE * PAGE
        removal = removal_topic(name)
        page = self._pages.pop((topic, first), None)
        if page is None or self._wakeups.notified(removal, page.mark):
            page = _Page(read_to=first, last=first + PAGE, mark=self._wakeups.mark(removal))
        self._pages[topic, first] = page
        self._let_go()
        return page

    def _let_go(self) -> None:
        """Forget the pages that were not used for longest, until the others are within bounds."""
        size = sum(page.size for page in self._pages.values())
        while len(self._pages) > 1 and (len(self._pages) > KEPT or size > KEPT_BYTES):
            _, page = self._pages.popitem(last=False)
            size -= page.size


def _position(event: StoredEvent) -> int:
    if event.position is None:
        raise ValueError("an event without a feed has no position")
    return event.position


def _seq(event: StoredEvent) -> int:
    return event.seq
