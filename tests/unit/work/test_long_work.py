"""Long work over real gRPC, shown with a toy: countdowns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import create_engine

from shared.clock import wall_clock
from shared.compute import WorkerCrashed
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.ownership import Ownership
from shared.engine import local
from shared.engine.local import LocalEngine
from shared.errors import FailedPrecondition
from shared.rpc.server import Registration, Server
from shared.settings import Settings
from shared.work.calls import WorkCalls
from shared.work.jobs import WorkJobs
from shared.work.operations import WorkOperations
from shared.work.store import WorkStore
from tests.unit.rpc.echo import OWN_CONNECTION, failure
from tests.unit.work import countdown
from tests.unit.work.countdown import COUNTDOWNS, CountdownServicer, counting
from tests.unit.work.countdown_contract import METHODS, NAME, Request, Response


class Stuck(FailedPrecondition):
    """The countdown is stuck at {left}."""

    reason = "STUCK"


@dataclass
class Toy:
    """A served CountdownService. A tick passes once the test releases it; before that, each tick raises one of
    `errors`.
    """

    call: Any = None
    released: asyncio.Event = field(default_factory=asyncio.Event)
    at: asyncio.Event = field(default_factory=asyncio.Event)
    errors: list[Exception] = field(default_factory=list)

    async def tick(self, _: int) -> None:
        self.at.set()
        if self.errors:
            raise self.errors.pop(0)
        await self.released.wait()

    async def start(self, count: int, request_id: str = "") -> Any:
        return (await self.call.Start(Request(start=count, request_id=request_id))).countdown

    async def watch(self, name: str, cursor: str = "") -> list[Any]:
        return [message async for message in self.call.Watch(Request(name=name, cursor=cursor))]


class _Stub:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        for name in METHODS:
            kind = channel.unary_stream if name == "Watch" else channel.unary_unary
            method: Any = kind(
                f"/{NAME}/{name}",
                request_serializer=Request.SerializeToString,
                response_deserializer=Response.FromString,
            )
            setattr(self, name, method)


def _add(servicer: Any, server: grpc.aio.Server) -> None:
    handlers = {
        name: (grpc.unary_stream_rpc_method_handler if name == "Watch" else grpc.unary_unary_rpc_method_handler)(
            getattr(servicer, name),
            request_deserializer=Request.FromString,
            response_serializer=Response.SerializeToString,
        )
        for name in METHODS
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Toy]:
    path = folder / "countdowns.db"
    countdown.metadata.create_all(create_engine(f"sqlite:///{path}"))
    db = await Database.open(f"sqlite+aiosqlite:///{path}")
    event_log, toy = EventLog(db, COUNTDOWNS.log), Toy()
    store = WorkStore(COUNTDOWNS, db, event_log)
    jobs = WorkJobs(store, counting(toy.tick), wall_clock)
    engine = LocalEngine({"countdowns": jobs}, Ownership(db), db.wakeups, max_in_flight=4)
    calls = WorkCalls(store, event_log, db.wakeups, countdown.item)
    servicer = CountdownServicer(store, WorkOperations(store, wall_clock), calls)
    server = Server(Settings(drain_seconds=0), [Registration(NAME, _add, servicer)])
    await engine.start()
    port = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", OWN_CONNECTION) as channel:
        toy.call = _Stub(channel)
        yield toy
    await server.stop()
    await engine.stop()
    await db.close()


@pytest.fixture
async def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Toy]:
    monkeypatch.setattr(local, "FIRST_BACKOFF", 0.01)
    async with serving(tmp_path) as served:
        yield served


def test_a_long_work_is_defined_in_sixty_lines() -> None:
    lines = Path(countdown.__file__).read_text().splitlines()

    assert len([line for line in lines if line.strip()]) <= 60


async def test_a_repeated_start_returns_the_first_work(toy: Toy) -> None:
    first = await toy.start(3, "once")

    assert (await toy.start(3, "once")).name == first.name
    assert (await failure(toy.call.Start(Request(start=4, request_id="once")))).reason == "REQUEST_ID_REUSED"


async def test_a_list_is_read_in_pages_newest_first_with_its_size(toy: Toy) -> None:
    names = [(await toy.start(1)).name for _ in range(3)]

    first = await toy.call.List(Request(page_size=2))
    rest = await toy.call.List(Request(page_size=2, page_token=first.next_page_token))

    assert [one.name for one in first.countdowns] == names[:0:-1]
    assert [one.name for one in rest.countdowns] == names[:1]
    assert rest.next_page_token == ""
    assert (first.total_size, rest.total_size) == (3, 0)


async def test_a_watch_shows_every_item_once_also_after_its_cursor_and_ends_with_a_summary(toy: Toy) -> None:
    toy.released.set()
    name = (await toy.start(3)).name

    *items, last = await toy.watch(name)
    again = await toy.watch(name, items[0].cursor)

    assert [tick.number for message in items for tick in message.ticks] == [3, 2, 1]
    assert (last.summary.state, last.summary.left) == ("COMPLETED", 0)
    rest = [tick.number for message in again for tick in message.ticks]
    assert rest == [3, 2, 1][len(items[0].ticks) :]
    assert again[-1].summary == last.summary


async def test_a_running_work_is_cancelled_and_then_stays_as_it_is(toy: Toy) -> None:
    name = (await toy.start(3)).name
    await toy.at.wait()
    assert (await failure(toy.call.Delete(Request(name=name)))).reason == "WORK_NOT_OVER"

    await toy.call.Cancel(Request(name=name))
    *_, last = await toy.watch(name)

    assert (last.summary.state, last.summary.left) == ("CANCELLED", 3)
    assert (await toy.call.Cancel(Request(name=name))).countdown == last.summary
    assert (await failure(toy.call.Retry(Request(name=name)))).reason == "WORK_NOT_RETRIABLE"


async def test_a_work_that_fails_says_why_and_continues_when_it_is_retried(toy: Toy) -> None:
    toy.released.set()
    toy.errors = [Stuck(left=2)]
    name = (await toy.start(2)).name
    *_, failed = await toy.watch(name)
    assert (failed.summary.state, failed.summary.reason) == ("FAILED", "STUCK")
    assert (await failure(toy.call.Cancel(Request(name=name)))).reason == "WORK_OVER"

    await toy.call.Retry(Request(name=name))
    *_, done = await toy.watch(name)

    assert (done.summary.state, done.summary.reason, done.summary.left) == ("COMPLETED", "", 0)


async def test_a_step_may_lose_its_process_twice_but_not_three_times(toy: Toy) -> None:
    toy.released.set()
    toy.errors = [WorkerCrashed(), WorkerCrashed()]
    *_, survived = await toy.watch((await toy.start(1)).name)
    toy.errors = [WorkerCrashed(), WorkerCrashed(), WorkerCrashed()]
    *_, lost = await toy.watch((await toy.start(1)).name)

    assert survived.summary.state == "COMPLETED"
    assert (lost.summary.state, lost.summary.reason) == ("FAILED", "WORK_CRASHED")


async def test_a_deleted_work_is_gone(toy: Toy) -> None:
    toy.released.set()
    name = (await toy.start(1)).name
    await toy.watch(name)

    await toy.call.Delete(Request(name=name))

    assert (await failure(toy.call.Get(Request(name=name)))).reason == "WORK_NOT_FOUND"
    assert list((await toy.call.List(Request())).countdowns) == []
