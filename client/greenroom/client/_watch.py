"""Watches: streams of items as they are stored, each exactly once."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar

from greenroom.client._calls import Link

Item = TypeVar("Item")
Summary = TypeVar("Summary")
Summary_co = TypeVar("Summary_co", covariant=True)
Message = TypeVar("Message", bound="WatchMessage[Any]")


class WatchMessage(Protocol[Summary_co]):
    """The fields that the messages of all watches share."""

    cursor: str

    @property
    def summary(self) -> Summary_co: ...


class Watch(AsyncIterator[Item], Generic[Item, Summary]):
    """Iterates over events, parts or progress until the work is over. It reconnects after lost connections.

    The end of an `async with` block cancels the call, as `aclose` does. The work continues without watchers.

    cursor: continues after the items that were returned, in this or another process. The items of one message share its
        cursor, so it changes after the last of them.
    summary: the resource as it ended; None before.
    """

    def __init__(
        self,
        messages: "AsyncGenerator[Message, None]",
        items: Callable[[Message], Iterable[Item]],
        cursor: str,
        link: Link,
    ) -> None:
        self._link = link
        self._messages: AsyncGenerator[Any, None] = messages
        self._items_of: Callable[[Any], Iterable[Item]] = items
        self._items: deque[Item] = deque()
        self._received = self.cursor = cursor
        self.summary: Summary | None = None

    @property
    def lost_seconds(self) -> float:
        """How long the connection has been lost; 0 while it is not. The watch tries to reconnect meanwhile."""
        return self._link.lost_seconds

    async def __anext__(self) -> Item:
        while not self._items:
            self.cursor = self._received
            message = await anext(self._messages)
            self._items.extend(self._items_of(message))
            self._received = message.cursor or self._received
            if is_last(message):
                self.summary = message.summary
        item = self._items.popleft()
        if not self._items:
            self.cursor = self._received
        return item

    async def aclose(self) -> None:
        """Cancel the call."""
        await self._messages.aclose()

    async def __aenter__(self) -> "Watch[Item, Summary]":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def is_last(message: "WatchMessage[object]") -> bool:
    """True if the message has the summary."""
    return bool(message.HasField("summary"))  # type: ignore[attr-defined]
