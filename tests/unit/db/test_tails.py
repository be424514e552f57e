"""Many readers follow one feed: each sees every event once and in order, and none slows another."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from shared.db.engine import Database
from shared.db.eventlog import Append, EventLog, NewEvent, NewStream, StoredEvent
from shared.db.tails import CACHED_PAGES, PAGE, Tails
from shared.db.topics import removal_topic
from shared.db.wakeups import Wakeups
from shared.ids import new_id
from tests.unit.db.conftest import TABLES


def events(count: int) -> tuple[NewEvent, ...]:
    return tuple(NewEvent(new_id(), b"payload") for _ in range(count))


def position(event: StoredEvent) -> int:
    assert event.position is not None
    return event.position


async def take(following: AsyncIterator[list[int]], until: int) -> list[int]:
    """The followed positions, up to and including `until`."""
    seen: list[int] = []
    async for items in following:
        assert 0 < len(items) <= PAGE
        seen += items
        if seen[-1] >= until:
            return seen
    raise AssertionError("a tail has no end")


async def test_followers_from_any_position_see_every_event_once_and_in_order(database: Database, log: EventLog) -> None:
    await database.writer.run(
        lambda conn: log.open_streams(conn, [NewStream(n, "acme", "f", events(70)) for n in "abc"])
    )
    tails = Tails(log, database.wakeups, position)
    followers = [asyncio.ensure_future(take(tails.follow_feed("f", after), 450)) for after in (0, 5, 99, 100, 210, 300)]

    for seq in range(71, 151):
        await asyncio.gather(*(database.writer.append(Append(name, seq, events(1))) for name in "abc"))

    for after, follower in zip((0, 5, 99, 100, 210, 300), followers, strict=True):
        assert await follower == list(range(after + 1, 451))


async def test_a_stream_is_followed_by_its_seqs(database: Database, log: EventLog) -> None:
    await database.writer.run(lambda conn: log.open_streams(conn, [NewStream("s", "acme", None, events(150))]))
    tails = Tails(log, database.wakeups, lambda event: event.seq)
    follower = asyncio.ensure_future(take(tails.follow_stream("s", 20), 151))

    await database.writer.append(Append("s", 151, events(1)))

    assert await follower == list(range(21, 152))


async def test_an_event_is_encoded_once_for_all_its_readers(database: Database, log: EventLog) -> None:
    await database.writer.run(lambda conn: log.open_streams(conn, [NewStream("s", "acme", "f", events(250))]))
    encoded: list[int] = []

    def encode(event: StoredEvent) -> int:
        encoded.append(position(event))
        return encoded[-1]

    tails = Tails(log, database.wakeups, encode)
    followers = [asyncio.ensure_future(take(tails.follow_feed("f", 0), 350)) for _ in range(20)]
    for seq in range(251, 351):
        await database.writer.append(Append("s", seq, events(1)))
    await asyncio.gather(*followers)

    assert encoded == list(range(1, 351))


async def test_watchers_cut_at_random_and_resumed_miss_nothing(
    database: Database, replica: Database, log: EventLog
) -> None:
    await database.writer.run(lambda conn: log.open_streams(conn, [NewStream("s", "acme", "f")]))
    here = Tails(log, database.wakeups, position)
    there = Tails(EventLog(replica, TABLES), replica.wakeups, position)

    async def watch(tails: Tails[int], seed: int) -> list[int]:
        draw, seen = random.Random(seed), list[int]()

        async def follow() -> None:
            async for items in tails.follow_feed("f", len(seen)):
                seen.extend(items)
                if len(seen) >= 300:
                    return

        while len(seen) < 300:
            await asyncio.wait([watching := asyncio.ensure_future(follow())], timeout=draw.uniform(0.001, 0.2))
            watching.cancel()
            await asyncio.wait([watching])
        return seen

    watchers = [asyncio.ensure_future(watch(tails, seed)) for seed, tails in enumerate([here, there] * 10)]
    for seq in range(1, 301):
        await database.writer.append(Append("s", seq, events(1)))

    assert await asyncio.gather(*watchers) == [list(range(1, 301))] * 20


async def test_a_deleted_stream_leaves_holes_that_followers_pass(database: Database, log: EventLog) -> None:
    opened = [NewStream("a", "acme", "f", events(80)), NewStream("b", "acme", "f", events(250))]
    await database.writer.run(lambda conn: log.open_streams(conn, opened))
    await database.writer.run(lambda conn: log.open_streams(conn, [NewStream("c", "acme", "f", events(5))]))
    await database.writer.run(lambda conn: log.delete(conn, ["b"]))
    tails = Tails(log, database.wakeups, position)

    assert await take(tails.follow_feed("f", 0), 335) == [*range(1, 81), *range(331, 336)]
    assert await take(tails.follow_feed("f", 200), 335) == [*range(331, 336)]


async def test_deleted_events_are_not_served_from_memory(database: Database, replica: Database, log: EventLog) -> None:
    opened = [NewStream(name, "acme", "f", events(10)) for name in "ab"]
    await database.writer.run(lambda conn: log.open_streams(conn, opened))
    here = Tails(log, database.wakeups, position)
    there = Tails(EventLog(replica, TABLES), replica.wakeups, position)
    for tails in (here, there):
        assert await take(tails.follow_feed("f", 0), 20) == list(range(1, 21))
    mark = replica.wakeups.mark(removal_topic("f"))

    await database.writer.run(lambda conn: log.delete(conn, ["a"]))

    assert await take(here.follow_feed("f", 0), 20) == list(range(11, 21))
    if database.dialect == "postgresql":
        await replica.wakeups.wait(removal_topic("f"), mark, 60.0)
        assert await take(there.follow_feed("f", 0), 20) == list(range(11, 21))


async def test_a_slow_watcher_keeps_no_pages_in_memory(database: Database, log: EventLog) -> None:
    await database.writer.run(
        lambda conn: log.open_streams(conn, [NewStream("s", "acme", "f", events((CACHED_PAGES + 20) * PAGE))])
    )
    tails = Tails(log, database.wakeups, position)
    stalled = tails.follow_feed("f", 0)
    first = await anext(stalled)

    await take(tails.follow_feed("f", 0), (CACHED_PAGES + 20) * PAGE)

    assert len(tails._pages) == CACHED_PAGES
    assert first + await anext(stalled) == list(range(1, 2 * PAGE + 1))


async def test_pages_of_large_events_stay_in_memory_only_up_to_a_limit_of_bytes(
    database: Database, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = NewStream("s", "acme", "f", events(10 * PAGE))
    await database.writer.run(lambda conn: log.open_streams(conn, [opened]))
    a_page = PAGE * len(opened.events[0].payload)

    for bound, kept in ((10 * a_page, 10), (3 * a_page, 3), (a_page // 2, 1)):
        monkeypatch.setattr("shared.db.tails.CACHED_BYTES", bound)
        tails = Tails(log, database.wakeups, position)
        assert await take(tails.follow_feed("f", 0), 10 * PAGE) == list(range(1, 10 * PAGE + 1))
        assert len(tails._pages) == kept


async def test_after_a_lost_wake_up_a_poll_finds_the_events(database: Database, log: EventLog) -> None:
    await database.writer.run(lambda conn: log.open_streams(conn, [NewStream("s", "acme", "f")]))
    deaf = Wakeups()
    tails = Tails(log, deaf, position)
    follower = asyncio.ensure_future(take(tails.follow_feed("f", 0), 1))

    await database.writer.append(Append("s", 1, events(1)))

    assert await follower == [1]
