"""No wake-up is lost between a read and the wait after it, in one process or across two."""

import asyncio

import pytest

from shared.db import wakeups as module
from shared.db.engine import Database
from shared.db.eventlog import EventLog, NewStream
from shared.db.topics import announce, stream_topic
from shared.db.wakeups import Wakeups
from tests.postgres import PostgresServer

LONG = 60.0


async def test_a_waiter_is_woken_by_its_topic_alone() -> None:
    wakeups = Wakeups()
    waiting = asyncio.ensure_future(wakeups.wait("a", wakeups.mark("a"), LONG))
    await asyncio.sleep(0)

    wakeups.notify(["b"])
    await asyncio.sleep(0)
    assert not waiting.done()

    wakeups.notify(["a"])
    assert await waiting


async def test_a_notification_between_mark_and_wait_is_not_missed() -> None:
    wakeups = Wakeups()
    mark = wakeups.mark("a")
    wakeups.notify(["a"])

    assert await wakeups.wait("a", mark, LONG)
    assert not await wakeups.wait("a", wakeups.mark("a"), 0.0)


async def test_a_topic_that_is_no_longer_remembered_wakes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 10)
    wakeups = Wakeups()
    mark = wakeups.mark("a")
    wakeups.notify(["a"])
    for n in range(20):
        wakeups.notify([f"other{n}"])

    assert await wakeups.wait("a", mark, LONG)
    assert not await wakeups.wait("a", wakeups.mark("a"), 0.0)


async def test_a_cancelled_waiter_leaves_nothing_in_memory() -> None:
    wakeups = Wakeups()
    waiting = asyncio.ensure_future(wakeups.wait("a", wakeups.mark("a"), LONG))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert wakeups._waiters == {}


async def test_a_transaction_notifies_when_it_commits_and_not_when_it_fails(database: Database, log: EventLog) -> None:
    await database.writer.run(lambda conn: log.open_streams(conn, [NewStream("s", "acme", None)]))
    mark = database.wakeups.mark(stream_topic("s"))
    await database.writer.run(lambda conn: log.interrupt(conn, "s"))
    assert await database.wakeups.wait(stream_topic("s"), mark, LONG)

    async def fail(conn: object) -> None:
        announce(conn, "jobs")  # type: ignore[arg-type]
        raise LookupError

    mark = database.wakeups.mark("jobs")
    with pytest.raises(LookupError):
        await database.writer.run(fail)
    assert not await database.wakeups.wait("jobs", mark, 0.0)


async def test_another_process_hears_it_on_postgresql(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    here, there = await Database.open(url), await Database.open(url)
    topics = [f"topic-{n:040}" for n in range(1_000)]
    marks = {topic: there.wakeups.mark(topic) for topic in topics}

    async def work(conn: object) -> None:
        announce(conn, *topics)  # type: ignore[arg-type]

    await here.writer.run(work)

    assert all([await there.wakeups.wait(topic, marks[topic], LONG) for topic in topics])
    await here.close()
    await there.close()


async def test_a_lost_listener_comes_back_and_wakes_everybody(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    db = await Database.open(url)
    mark = db.wakeups.mark("a")

    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = "
    await asyncio.to_thread(postgres.sql, f"{kill} '{db.url.database}'")

    assert await db.wakeups.wait("a", mark, LONG)
    await db.close()
