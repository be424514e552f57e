"""Tails: many readers follow a feed or a stream, and each event is read and encoded once for all of them.

Positions are dense, so a feed splits into pages of 100 events that never change once they are full. The pages used last
stay in memory. A reader holds only its position, so a slow reader costs no memory and does not slow others.
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
"""Events in a page, and the most that a follower gets at once."""
LINGER = 0.05
"""Seconds between two reads of a growing page, so that events that arrive together are sent together."""
CACHED_PAGES = 32
"""The most pages in memory, of all feeds and streams together."""
CACHED_BYTES = 32 << 20
"""The most bytes of payload in memory; the page used last stays even if it is larger."""

_Read = Callable[[str, int, int], Awaitable[list[StoredEvent]]]


@dataclass(slots=True, eq=False)
class _Page(Generic[T]):
    """The events at positions `last` - PAGE + 1 to `last` that were read so far.

    read_to: the last position that was read; deleted streams leave holes before it.
    size: bytes of payload.
    mark: the mark of the feed's removals when the page was empty; a later removal makes the page invalid.
    asked: when the last read began.
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

    encode: makes what readers get from an event. It is called once per event, for all readers together.
    """

    def __init__(self, log: EventLog, wakeups: Wakeups, encode: Callable[[StoredEvent], T]) -> None:
        self._log = log
        self._wakeups = wakeups
        self._encode = encode
        self._pages: OrderedDict[tuple[str, int], _Page[T]] = OrderedDict()

    def follow_feed(self, feed: str, after: int) -> AsyncGenerator[list[T], None]:
        """The feed's events after a position (0 for all), in lists of 1 to PAGE events, without end.

        Raises StoreUnavailable; call it again with the last position received.
        """
        return self._follow(feed_topic(feed), feed, after, self._log.read_feed, _position)

    def follow_stream(self, stream: str, after: int) -> AsyncGenerator[list[T], None]:
        """The stream's events after a seq (0 for all), like `follow_feed`."""
        return self._follow(stream_topic(stream), stream, after, self._log.read, _seq)

    async def _follow(
        self, topic: str, name: str, after: int, read: _Read, position_of: Callable[[StoredEvent], int]
    ) -> AsyncGenerator[list[T], None]:
        loop = asyncio.get_running_loop()
        fresh = loop.time()
        while True:
            mark = self._wakeups.mark(topic)
            page = self._page(topic, name, after)
            if page.read_to <= after:
                await self._extend(page, name, read, position_of, fresh)
            if page.read_to > after:
                items = page.items[bisect_right(page.positions, after) :]
                after = page.read_to
                if items:
                    yield items
                fresh = loop.time()
            else:
                woken = await self._wakeups.wait(topic, mark)
                # A poll may use what another reader's poll read a moment ago.
                fresh = loop.time() if woken else loop.time() - self._wakeups.poll_seconds / 2

    async def _extend(
        self, page: _Page[T], name: str, read: _Read, position_of: Callable[[StoredEvent], int], fresh: float
    ) -> None:
        """Read the page's new events, unless another reader's read began after `fresh`."""
        loop = asyncio.get_running_loop()
        async with page.lock:
            if page.asked >= fresh:
                return
            if (wait := page.asked + LINGER - loop.time()) > 0:
                await asyncio.sleep(wait)
            asked = loop.time()
            for event in await read(name, page.read_to, page.last - page.read_to):
                position = position_of(event)
                if position <= page.last:
                    page.items.append(self._encode(event))
                    page.positions.append(position)
                    page.size += len(event.payload)
                # After a hole the rows may reach into the next page; then this page is complete.
                page.read_to = min(position, page.last)
            # Set it after the read: a reader that was cancelled during its read has read nothing for the others.
            page.asked = asked
        self._evict()

    def _page(self, topic: str, name: str, after: int) -> _Page[T]:
        first = after // PAGE * PAGE
        removal = removal_topic(name)
        page = self._pages.pop((topic, first), None)
        if page is None or self._wakeups.notified(removal, page.mark):
            page = _Page(read_to=first, last=first + PAGE, mark=self._wakeups.mark(removal))
        self._pages[topic, first] = page
        self._evict()
        return page

    def _evict(self) -> None:
        """Drop the least recently used pages until the others are within the limits."""
        size = sum(page.size for page in self._pages.values())
        while len(self._pages) > 1 and (len(self._pages) > CACHED_PAGES or size > CACHED_BYTES):
            _, page = self._pages.popitem(last=False)
            size -= page.size


def _position(event: StoredEvent) -> int:
    if event.position is None:
        raise ValueError("an event without a feed has no position")
    return event.position


def _seq(event: StoredEvent) -> int:
    return event.seq
