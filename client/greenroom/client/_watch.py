"""A watch: the events of a conversation or batch as they are stored, each exactly once."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Generic, Protocol, TypeVar

from greenroom.type.v1.event_pb2 import Event

Summary = TypeVar("Summary")
Summary_co = TypeVar("Summary_co", covariant=True)


class WatchMessage(Protocol[Summary_co]):
    """What WatchBatchResponse and WatchConversationResponse have in common."""

    cursor: str

    @property
    def events(self) -> Iterable[Event]: ...
    @property
    def summary(self) -> Summary_co: ...


class Watch(AsyncIterator[Event], Generic[Summary]):
    """Iterates over events, over lost connections too, until the work is over.

    As a context manager it cancels the call at the block's end, as `aclose` does. The work goes on without watchers.

    cursor: goes on after the events handed out so far, in this or another process. Events travel up to 100 in one
        message and share its cursor, so it moves when the last of them is handed out.
    summary: what was watched, as it ended; None before.
    """

    def __init__(self, messages: "AsyncGenerator[WatchMessage[Summary], None]", cursor: str) -> None:
        self._messages = messages
        self._events: deque[Event] = deque()
        self._received = self.cursor = cursor
        self.summary: Summary | None = None

    async def __anext__(self) -> Event:
        while not self._events:
            self.cursor = self._received
            message = await anext(self._messages)
            self._events.extend(message.events)
            self._received = message.cursor or self._received
            if is_last(message):
                self.summary = message.summary
        event = self._events.popleft()
        if not self._events:
            self.cursor = self._received
        return event

    async def aclose(self) -> None:
        """Cancel the call."""
        await self._messages.aclose()

    async def __aenter__(self) -> "Watch[Summary]":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def is_last(message: "WatchMessage[object]") -> bool:
    """Whether message has the summary."""
    return bool(message.HasField("summary"))  # type: ignore[attr-defined]
