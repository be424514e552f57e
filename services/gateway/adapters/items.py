"""The items of rehearsals: conversations of the synthesizer, joined with results of the evaluator."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from greenroom.evaluator.v1 import evaluation_pb2
from greenroom.gateway.v1 import rehearsal_pb2 as pb
from greenroom.synthesizer.v1 import batch_pb2
from services.gateway.adapters.children import RemoteChildren
from services.gateway.adapters.stubs import Evaluator
from services.gateway.rehearsals import messages as convert
from services.gateway.rehearsals.items import Change, Page, Place
from services.gateway.rehearsals.model import Rehearsal, Side
from shared.auth import Caller
from shared.errors import NotFound, Unavailable
from shared.work.model import State, Work

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
"""Seconds before a stream to a service that is gone is opened again; the pause doubles."""
_HELD = 8
"""Messages of all streams together that are read ahead."""
_PAGE = 1000

Look = Callable[[Callable[[Work[Rehearsal]], bool]], Awaitable[Work[Rehearsal]]]
"""Waits until a stored rehearsal fulfils a condition, and returns it."""


class RemoteItems:
    """Reads items from the services, for a caller."""

    def __init__(self, children: RemoteChildren) -> None:
        self._children = children

    async def fill(self, who: Caller, rehearsal: pb.Rehearsal) -> None:
        """Add to a rehearsal what its children know: counts and the report. What was deleted is left out."""
        synthesizer, evaluator = self._children.synthesizer(who), self._children.evaluator(who)
        for side in rehearsal.sides:
            if side.batch and (batch := await _if_there(synthesizer.batch(side.batch))) is not None:
                side.conversations.CopyFrom(batch.counts)
            if side.evaluation and (found := await _if_there(evaluator.evaluation(side.evaluation))) is not None:
                side.results.CopyFrom(found.counts)
                if found.HasField("quality"):
                    side.quality = found.quality
        if rehearsal.report and (report := await _if_there(evaluator.report(rehearsal.report))) is not None:
            rehearsal.result.CopyFrom(report)

    async def page(self, who: Caller, sides: Sequence[Side], place: Place, size: int) -> Page:
        """Up to `size` items of one side from a place on, and the place of the next."""
        side = sides[place.side]
        if not side.batch:
            return Page([], _after(sides, place))
        synthesizer, evaluator = self._children.synthesizer(who), self._children.evaluator(who)
        request = batch_pb2.ListBatchResultsRequest(batch=side.batch, page_size=size, page_token=place.rows)
        found = await synthesizer.peer.unary(synthesizer.batches.ListBatchResults, request)
        items = [convert.item_message(place.side, row) for row in found.results[place.skipped :]]
        results_from = place.results if place.evaluation == side.evaluation else ""
        if items and side.evaluation:
            results_from = await _join(evaluator, side.evaluation, items, results_from)
        here = Place(place.side, place.rows, place.skipped, side.evaluation, results_from)
        rest = Place(place.side, found.next_page_token, 0, side.evaluation, results_from)
        return Page(items, rest if found.next_page_token else _after(sides, place), here)

    async def changes(
        self, who: Caller, look: Look, attempt: int, cursors: Sequence[str]
    ) -> AsyncGenerator[Sequence[Change], None]:
        """The items as they get further, after these cursors of an attempt, until the rehearsal is over."""
        while True:
            work = await look(_is_started)
            sides, positions = work.body.sides, [*cursors] or [""] * 2 * len(work.body.sides)
            if not all(side.evaluation for side in sides):
                return
            if work.body.attempt != attempt:
                # A retry evaluates anew; the events of the batches go on.
                positions[1::2] = [""] * len(sides)
            attempt = work.body.attempt
            async with aclosing(self._changes(who, sides, positions, _Attempt(look, attempt))) as changes:
                async for some in changes:
                    cursors = some[-1].cursors
                    yield some
            work = await _Attempt(look, attempt).over()
            if work.body.attempt == attempt:
                return

    async def _changes(
        self, who: Caller, sides: Sequence[Side], cursors: list[str], attempt: "_Attempt"
    ) -> AsyncGenerator[Sequence[Change], None]:
        table = await self._table(who, sides, cursors)
        async with self._messages(who, sides, cursors, attempt) as messages:
            async for stream, message in messages:
                changed = table.changed(table.put(stream, message))
                before = tuple(cursors)
                cursors[stream] = message.cursor or cursors[stream]
                # Only after the last item of a message can its stream continue.
                after = [before] * (len(changed) - 1) + [tuple(cursors)]
                if changed:
                    yield [Change(item, attempt.number, at) for item, at in zip(changed, after, strict=True)]

    async def _table(self, who: Caller, sides: Sequence[Side], cursors: Sequence[str]) -> "_Table":
        table = _Table()
        for number, side in enumerate(sides):
            for row in await self._children.synthesizer(who).results(side.batch):
                if not cursors[2 * number]:
                    # The stream begins with the first event.
                    for name in ("state", "turns", "reason", "fault"):
                        row.ClearField(name)
                table.items[number, row.conversation] = convert.item_message(number, row)
        return table

    @asynccontextmanager
    async def _messages(
        self, who: Caller, sides: Sequence[Side], cursors: Sequence[str], attempt: "_Attempt"
    ) -> AsyncIterator[AsyncIterator[tuple[int, Any]]]:
        """The messages of the watches of all children, each with the number of its stream, until all are over."""
        queue: asyncio.Queue[tuple[int, Any] | Exception | None] = asyncio.Queue(_HELD)
        streams = [
            one for side in sides for one in (partial(self._batch, who, side), partial(self._results, who, side))
        ]

        async def feed(stream: int) -> None:
            try:
                async for message in _resumed(streams[stream], cursors[stream]):
                    await queue.put((stream, message))
            except NotFound:
                pass  # It was deleted, and the rehearsal soon is.
            except Exception as error:
                await queue.put(error)
            await queue.put(None)

        async def until_failed() -> None:
            """A failed rehearsal does not wait for its children."""
            if (await attempt.over()).state is State.FAILED:
                for _ in streams:
                    await queue.put(None)

        async def messages() -> AsyncIterator[tuple[int, Any]]:
            left = len(streams)
            while left:
                match await queue.get():
                    case None:
                        left -= 1
                    case Exception() as error:
                        raise error
                    case message:
                        yield message

        tasks = [asyncio.create_task(feed(number)) for number in range(len(streams))]
        tasks.append(asyncio.create_task(until_failed()))
        try:
            yield messages()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _batch(self, who: Caller, side: Side, cursor: str) -> AsyncGenerator[Any, None]:
        synthesizer = self._children.synthesizer(who)
        request = batch_pb2.WatchBatchRequest(name=side.batch, cursor=cursor)
        return synthesizer.peer.stream(synthesizer.batches.WatchBatch, request)

    def _results(self, who: Caller, side: Side, cursor: str) -> AsyncGenerator[Any, None]:
        evaluator = self._children.evaluator(who)
        request = evaluation_pb2.WatchEvaluationRequest(name=side.evaluation, cursor=cursor)
        return evaluator.peer.stream(evaluator.evaluations.WatchEvaluation, request)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An attempt of a rehearsal. look: waits for a state of the rehearsal. number: from 0."""

    look: Look
    number: int

    async def over(self) -> Work[Rehearsal]:
        """The rehearsal when the attempt is over."""
        return await self.look(lambda work: work.state.over or work.body.attempt != self.number)


@dataclass
class _Table:
    """The items of a watch, by side and conversation, with what was sent of each and the results that came."""

    items: dict[tuple[int, str], pb.RehearsalItem] = field(default_factory=dict)
    results: dict[tuple[int, str], evaluation_pb2.EvaluationResult] = field(default_factory=dict)
    sent: dict[tuple[int, str], tuple[Any, ...]] = field(default_factory=dict)

    def put(self, stream: int, message: Any) -> Iterable[tuple[int, str]]:
        """Take a message into account; the keys of the items that it is about, the last one last."""
        side, of_evaluation = divmod(stream, 2)
        keys: dict[tuple[int, str], None] = {}
        for one in message.results if of_evaluation else message.events:
            key = side, one.conversation
            if key not in self.items:
                continue
            if of_evaluation:
                self.results[key] = one
            else:
                convert.put_event(self.items[key], one)
            keys.pop(key, None)
            keys[key] = None
        return keys

    def changed(self, keys: Iterable[tuple[int, str]]) -> list[pb.RehearsalItem]:
        """Copies of those of the items that differ from what was sent."""
        changed = []
        for key in keys:
            item = self.items[key]
            if (result := self.results.get(key)) is not None:
                convert.put_result(item, result)
            shown = item.state, item.turns, item.result.digest
            if self.sent.get(key) != shown:
                self.sent[key] = shown
                copy = pb.RehearsalItem()
                copy.CopyFrom(item)
                changed.append(copy)
        return changed


def _is_started(work: Work[Rehearsal]) -> bool:
    ready = work.body.resumed and all(side.evaluation for side in work.body.sides)
    return work.state.over or ready


def _after(sides: Sequence[Side], place: Place) -> Place | None:
    return Place(place.side + 1) if place.side + 1 < len(sides) else None


async def _join(evaluator: Evaluator, evaluation: str, items: Sequence[pb.RehearsalItem], token: str) -> str:
    """Join items with their results; returns the token of the page with the last of them, where the next begin."""
    by_name = {item.conversation: item for item in items}
    request = evaluation_pb2.ListEvaluationResultsRequest(evaluation=evaluation, page_size=_PAGE, page_token=token)
    while True:
        found = await evaluator.peer.unary(evaluator.evaluations.ListEvaluationResults, request)
        for result in found.results:
            if (item := by_name.get(result.conversation)) is not None:
                convert.put_result(item, result)
        passed = found.results and found.results[-1].index > items[-1].index
        if passed or not found.next_page_token:
            return request.page_token
        request.page_token = found.next_page_token


async def _resumed(opened: Callable[[str], AsyncGenerator[Any, None]], cursor: str) -> AsyncGenerator[Any, None]:
    """The messages of a watch until its summary; it is opened again when its service is gone for a while."""
    pause = _FIRST_PAUSE
    while True:
        try:
            async for message in opened(cursor):
                cursor, pause = message.cursor or cursor, _FIRST_PAUSE
                yield message
                if message.HasField("summary"):
                    return
        except Unavailable:
            pass
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _if_there(found: Awaitable[Any]) -> Any:
    try:
        return await found
    except NotFound:
        return None
