"""RehearsalService."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import astuple, replace
from typing import Protocol

from greenroom.gateway.v1 import rehearsal_pb2 as pb
from greenroom.gateway.v1 import rehearsal_pb2_grpc
from services.gateway.rehearsals.items import Change, Page, Place
from services.gateway.rehearsals.messages import rehearsal_message, rehearsal_spec, rehearsal_state
from services.gateway.rehearsals.model import Rehearsal, Side
from services.gateway.rehearsals.operations import Rehearsals
from shared.auth import Caller, caller
from shared.db.topics import stream_topic
from shared.db.wakeups import Wakeups
from shared.rpc.cursors import decode_token, encode_token, malformed
from shared.rpc.handlers import Context
from shared.rpc.pages import PAGE_BYTES
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.rpc.streams import watch
from shared.work.calls import WorkCalls
from shared.work.model import Work
from shared.work.store import WorkStore

_WATCH = "rehearsals.watch"


class Items(Protocol):
    """What the services behind the gateway know of rehearsals, read for a caller."""

    async def fill(self, who: Caller, rehearsal: pb.Rehearsal) -> None:
        """Add the counts of the children, and the report."""
        ...

    async def page(self, who: Caller, sides: Sequence[Side], place: Place, size: int) -> Page:
        """Up to `size` items of one side from a place on."""
        ...

    def changes(
        self,
        who: Caller,
        look: Callable[[Callable[[Work[Rehearsal]], bool]], Awaitable[Work[Rehearsal]]],
        attempt: int,
        cursors: Sequence[str],
    ) -> AsyncGenerator[Sequence[Change], None]:
        """The items as they get further, until the rehearsal is over. look: waits for a state of the rehearsal."""
        ...


class RehearsalServicer(rehearsal_pb2_grpc.RehearsalServiceServicer):
    """Answers calls about rehearsals."""

    def __init__(
        self,
        rehearsals: Rehearsals,
        store: WorkStore[Rehearsal],
        calls: WorkCalls[Rehearsal],
        items: Items,
        wakeups: Wakeups,
    ) -> None:
        self._rehearsals = rehearsals
        self._store = store
        self._calls = calls
        self._items = items
        self._wakeups = wakeups

    async def StartRehearsal(self, request: pb.StartRehearsalRequest, context: Context) -> pb.StartRehearsalResponse:
        key = request_key(request, "StartRehearsal")
        spec = rehearsal_spec(request.spec)
        rehearsal = await self._rehearsals.start(spec, request.spec.failed_of, caller(), key)
        return pb.StartRehearsalResponse(rehearsal=rehearsal_message(rehearsal))

    async def GetRehearsal(self, request: pb.GetRehearsalRequest, context: Context) -> pb.GetRehearsalResponse:
        return pb.GetRehearsalResponse(rehearsal=await self._filled(caller(), request.name))

    async def ListRehearsals(self, request: pb.ListRehearsalsRequest, context: Context) -> pb.ListRehearsalsResponse:
        shown, token, total = await self._calls.page(request, rehearsal_state(request.state), rehearsal_message)
        return pb.ListRehearsalsResponse(rehearsals=shown, next_page_token=token, total_size=total)

    async def ListRehearsalItems(
        self, request: pb.ListRehearsalItemsRequest, context: Context
    ) -> pb.ListRehearsalItemsResponse:
        asked, who = read_page(request), caller()
        place = Place() if asked.after is None else _place(asked.after)
        sides = (await self._store.get(who.company, request.rehearsal)).body.sides
        if place.side >= len(sides):
            raise malformed("page_token")
        page = await self._items.page(who, sides, place, asked.size)
        shown, following = _fitting(page)
        token = asked.token([*astuple(following)]) if following is not None else ""
        return pb.ListRehearsalItemsResponse(items=shown, next_page_token=token)

    async def WatchRehearsal(
        self, request: pb.WatchRehearsalRequest, context: Context
    ) -> AsyncIterator[pb.WatchRehearsalResponse]:
        who, name = caller(), request.name
        work = await self._store.get(who.company, name)
        attempt, cursors = _cursors(name, request.cursor)
        topic = stream_topic(work.id)

        async def look(fits: Callable[[Work[Rehearsal]], bool]) -> Work[Rehearsal]:
            while True:
                mark = self._wakeups.mark(topic)
                work = await self._store.get(who.company, name)
                if fits(work):
                    return work
                await self._wakeups.wait(topic, mark)

        def message(changes: Sequence[Change]) -> pb.WatchRehearsalResponse:
            last = changes[-1]
            newest = {(one.item.side, one.item.index): one.item for one in changes}
            return pb.WatchRehearsalResponse(items=newest.values(), cursor=_cursor(name, last.attempt, last.cursors))

        def heartbeat(newest: Change | None) -> pb.WatchRehearsalResponse:
            at = (newest.attempt, newest.cursors) if newest else (attempt, cursors)
            return pb.WatchRehearsalResponse(cursor=_cursor(name, *at))

        cursor = request.cursor
        pages = self._items.changes(who, look, attempt, cursors)
        sent = watch(pages, message=message, heartbeat=heartbeat, size=lambda one: one.item.ByteSize())
        async for response in sent:
            cursor = response.cursor
            yield response
        yield pb.WatchRehearsalResponse(cursor=cursor, summary=await self._filled(who, name))

    async def CancelRehearsal(self, request: pb.CancelRehearsalRequest, context: Context) -> pb.CancelRehearsalResponse:
        rehearsal = await self._rehearsals.cancel(caller(), request.name)
        return pb.CancelRehearsalResponse(rehearsal=rehearsal_message(rehearsal))

    async def RetryRehearsal(self, request: pb.RetryRehearsalRequest, context: Context) -> pb.RetryRehearsalResponse:
        rehearsal = await self._rehearsals.retry(caller(), request.name)
        return pb.RetryRehearsalResponse(rehearsal=rehearsal_message(rehearsal))

    async def DeleteRehearsal(self, request: pb.DeleteRehearsalRequest, context: Context) -> pb.DeleteRehearsalResponse:
        await self._rehearsals.delete(caller(), request.name)
        return pb.DeleteRehearsalResponse()

    async def _filled(self, who: Caller, name: str) -> pb.Rehearsal:
        message = rehearsal_message(await self._store.get(who.company, name))
        await self._items.fill(who, message)
        return message


def _place(position: object) -> Place:
    match position:
        case [int(side), str(rows), int(skipped), str(evaluation), str(results)] if side >= 0 and skipped >= 0:
            return Place(side, rows, skipped, evaluation, results)
        case _:
            raise malformed("page_token")


def _fitting(page: Page) -> tuple[Sequence[pb.RehearsalItem], Place | None]:
    """The items that fit into a message, and the place of the next one."""
    used = 0
    for count, item in enumerate(page.items):
        used += item.ByteSize()
        if count and used > PAGE_BYTES:
            return page.items[:count], replace(page.start, skipped=page.start.skipped + count)
    return page.items, page.next


def _cursor(name: str, attempt: int, cursors: Sequence[str]) -> str:
    return encode_token(_WATCH, name, [attempt, [*cursors]])


def _cursors(name: str, cursor: str) -> tuple[int, Sequence[str]]:
    """The attempt and the cursors of the children in a cursor. Raises CursorMalformed, CursorForeign, CursorExpired."""
    if not cursor:
        return 0, ()
    match decode_token(_WATCH, name, cursor):
        case [int(attempt), list(cursors)] if len(cursors) in (0, 2, 4):
            return attempt, [str(one) for one in cursors]
        case _:
            raise malformed("cursor")
