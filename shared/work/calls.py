"""The calls that every long work has over gRPC: a list page, and the watch stream."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from shared.auth import caller
from shared.db.eventlog import EventLog, StoredEvent
from shared.db.tails import Tails
from shared.db.wakeups import Wakeups
from shared.rpc.cursors import encode_token
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.streams import watch
from shared.rpc.watching import read_cursor, until_over
from shared.work.model import BEGUN, ENDED, State, Work
from shared.work.store import WorkStore

T = TypeVar("T")
M = TypeVar("M", bound=Message)
R = TypeVar("R", bound=Message)

_ENDINGS = (ENDED, b"null")
"""Learnings that ended before version 0.2 have `null` in their log."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A stored event, encoded once for all its watchers. item: None for an event that is not the noun's own."""

    seq: int
    item: Message | None
    size: int
    ends: bool


class WorkCalls(Generic[T]):
    """Lists and watches works of one kind.

    item: encodes one of the noun's own events.
    """

    def __init__(
        self, store: WorkStore[T], event_log: EventLog, wakeups: Wakeups, item: Callable[[bytes], Message]
    ) -> None:
        self._store = store
        self._tails = Tails(event_log, wakeups, partial(_encode, item))

    async def page(
        self, request: Message, state: State | None, message: Callable[[Work[T]], M]
    ) -> tuple[Sequence[M], str, int]:
        """(the messages of the page that a List request asks for, the token of the next page, the total size)"""
        page = read_page(request)
        found = await self._store.page(caller().company, state, list_part(request, page))
        return *cut([message(work) for work in found.items], page, before), found.total

    async def watch(
        self, request: Any, response: Callable[..., R], items: str, summary: Callable[[Work[T]], Message]
    ) -> AsyncIterator[R]:
        """The responses of a Watch request: items after its cursor, and at the end a summary.

        response: the class of the responses, whose field `items` names takes the items.
        """
        company, name, kind = caller().company, request.name, f"{self._store.kind.name}.watch"
        work = await self._store.get(company, name)
        after = read_cursor(kind, name, request.cursor, work.next_seq - 1)

        def message(watched: Sequence[Watched]) -> R:
            return response(**{items: [one.item for one in watched]}, cursor=encode_token(kind, name, watched[-1].seq))

        def heartbeat(newest: Watched | None) -> R:
            return response(cursor=encode_token(kind, name, newest.seq if newest else after))

        async def end() -> int | None:
            nonlocal work
            work = await self._store.get(company, name)
            return work.next_seq - 1 if work.state.over else None

        followed = until_over(self._tails.follow_stream(work.id, after), after, lambda one: one.seq, end)
        async for one in watch(_own(followed), message=message, heartbeat=heartbeat, size=lambda one: one.size):
            yield one
        # The summary shows the work as it was at its last event: by now it may have been retried. Use a thread, because
        # a large summary takes a tenth of a second, and other calls would wait.
        done = await asyncio.to_thread(summary, work)
        yield response(cursor=encode_token(kind, name, work.next_seq - 1), summary=done)


def _encode(item: Callable[[bytes], Message], stored: StoredEvent) -> Watched:
    if stored.payload in (BEGUN, *_ENDINGS):
        return Watched(stored.seq, None, 0, ends=stored.payload != BEGUN)
    message = item(stored.payload)
    return Watched(stored.seq, message, message.ByteSize(), ends=False)


async def _own(pages: AsyncGenerator[Sequence[Watched], None]) -> AsyncGenerator[Sequence[Watched], None]:
    """The pages without the events that have no item."""
    try:
        async for page in pages:
            if shown := [one for one in page if one.item is not None]:
                yield shown
    finally:
        await pages.aclose()
