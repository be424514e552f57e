"""A watch: what happens, as it is stored, each item exactly once."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar

Item = TypeVar("Item")
Summary = TypeVar("Summary")
Summary_co = TypeVar("Summary_co", covariant=True)
Message = TypeVar("Message", bound="WatchMessage[Any]")


class WatchMessage(Protocol[Summary_co]):
    """What the messages of all watches have in common."""

    cursor: str

    @property
    def summary(self) -> Summary_co: ...


class Watch(AsyncIterator[Item], Generic[Item, Summary]):
    """Iterates over events, parts or progress, over lost connections too, until the work is over.

    As a context manager it cancels the call at the block's end, as `aclose` does. The work goes on without watchers.

    cursor: goes on after the items handed out so far, in this or another process. Several travel in one message and
        share its cursor, so it moves when the last of them is handed out.
    summary: what was watched, as it ended; None before.
    """

    def __init__(
        self, messages: "AsyncGenerator[Message, None]", items: Callable[[Message], Iterable[Item]], cursor: str
    ) -> None:
        self._messages: AsyncGenerator[Any, None] = messages
        self._items_of: Callable[[Any], Iterable[Item]] = items
        self._items: deque[Item] = deque()
        self._received = self.cursor = cursor
        self.summary: Summary | None = None

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
    """Whether message has the summary."""
    return bool(message.HasField("summary"))  # type: ignore[attr-defined]
