"""Appends keep one order, without a gap or a repeat."""

import asyncio
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.appends import MAX_PAYLOAD, Write
from shared.db.engine import Database
from shared.db.eventlog import (
    Append,
    AppendConflict,
    EventLog,
    EventNotStorable,
    NewEvent,
    NewStream,
    StreamInterrupted,
    StreamNotFound,
)
from shared.ids import new_id
from tests.unit.db.conftest import REQUESTS, TABLES

MARK = update(TABLES.streams).where(TABLES.streams.c.stream == bindparam("which")).values(company=bindparam("now"))
REMEMBER = insert(REQUESTS)
NONSENSE = text("SELECT nonsense FROM nowhere")


def events(count: int) -> tuple[NewEvent, ...]:
    return tuple(NewEvent(new_id(), b"payload") for _ in range(count))


async def open_streams(db: Database, log: EventLog, *names: str, feed: str | None = "feed") -> None:
    await db.writer.run(lambda conn: log.open_streams(conn, [NewStream(name, "acme", feed) for name in names]))


async def test_an_append_gets_the_next_seqs_and_positions(database: Database, log: EventLog) -> None:
    first = NewEvent("e1", b"1")
    await database.writer.run(lambda conn: log.open_streams(conn, [NewStream("s", "acme", "f", (first,))]))

    appended = await database.writer.append(Append("s", 2, (NewEvent("e2", b"2"), NewEvent("e3", b"3"))))

    assert (appended.first_seq, appended.last_seq, appended.last_position) == (2, 3, 3)
    stored = await log.read("s", 0, 10)
    assert [(e.seq, e.position, e.id, e.payload) for e in stored] == [
        (1, 1, "e1", b"1"),
        (2, 2, "e2", b"2"),
        (3, 3, "e3", b"3"),
    ]
    assert await log.read_feed("f", 0, 10) == stored
    assert await log.read("s", 1, 1) == stored[1:2]
    assert await log.head("f") == 3


async def test_a_stream_without_a_feed_has_no_positions(database: Database, log: EventLog) -> None:
    await open_streams(database, log, "s", feed=None)

    appended = await database.writer.append(Append("s", 1, events(1)))

    assert appended.last_position is None
    assert (await log.read("s", 0, 10))[0].position is None


async def test_a_repeated_append_is_a_success_and_stored_once(database: Database, log: EventLog) -> None:
    await open_streams(database, log, "s")
    append = Append("s", 1, events(3))

    answers = [await database.writer.append(append), *await asyncio.gather(*map(database.writer.append, [append] * 2))]

    assert answers[0] == answers[1] == answers[2]
    assert len(await log.read("s", 0, 10)) == 3


async def test_a_repeated_append_in_one_group_is_stored_once(database: Database, log: EventLog) -> None:
    await open_streams(database, log, "s")
    append = Append("s", 1, events(2))

    first, second = await asyncio.gather(database.writer.append(append), database.writer.append(append))

    assert first == second
    assert await log.head("feed") == 2


async def test_an_append_at_a_taken_seq_is_a_conflict_that_names_the_next_seq(
    database: Database, log: EventLog
) -> None:
    await open_streams(database, log, "s")
    await database.writer.append(Append("s", 1, events(2)))

    for expected in (1, 2, 4):
        with pytest.raises(AppendConflict) as conflict:
            await database.writer.append(Append("s", expected, events(1)))
        assert conflict.value.details == {"stream": "s", "expected": str(expected), "next_seq": "3"}


async def test_several_appends_to_one_stream_in_one_group_are_stored_in_order(
    database: Database, log: EventLog
) -> None:
    await open_streams(database, log, "s")
    appends = [Append("s", seq, events(1)) for seq in range(1, 51)]

    await asyncio.gather(*map(database.writer.append, appends))

    assert [e.id for e in await log.read("s", 0, 100)] == [append.events[0].id for append in appends]


async def test_an_unknown_stream_is_not_found(database: Database) -> None:
    with pytest.raises(StreamNotFound):
        await database.writer.append(Append("nowhere", 1, events(1)))


async def test_an_interrupted_stream_takes_only_its_closing_event(database: Database, log: EventLog) -> None:
    await open_streams(database, log, "s")
    before = Append("s", 1, events(1))
    await database.writer.append(before)
    await database.writer.run(lambda conn: log.interrupt(conn, "s"))

    with pytest.raises(StreamInterrupted):
        await database.writer.append(Append("s", 2, events(1)))
    assert (await database.writer.append(before)).interrupted
    assert (await database.writer.append(Append("s", 2, events(1), final=True))).interrupted


async def test_an_appends_own_statements_run_only_if_the_append_succeeds(database: Database, log: EventLog) -> None:
    await open_streams(database, log, "a", "b")

    outcomes = await asyncio.gather(
        database.writer.append(Append("a", 1, events(1), also=((MARK, {"which": "a", "now": "won"}),))),
        database.writer.append(Append("b", 7, events(1), also=((MARK, {"which": "b", "now": "lost"}),))),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], AppendConflict)
    async with database.read() as conn:
        rows = await conn.execute(select(TABLES.streams.c.stream, TABLES.streams.c.company).order_by("stream"))
        assert rows.all() == [("a", "won"), ("b", "acme")]


async def test_an_append_whose_own_statement_fails_fails_alone(database: Database, log: EventLog) -> None:
    names = [f"s{n}" for n in range(8)]
    await open_streams(database, log, *names)
    row = {"company": "acme", "method": "m", "request_id": "r", "digest": "d", "name": "n"}

    outcomes = await asyncio.gather(
        *(database.writer.append(Append(name, 1, events(1), also=((REMEMBER, row),))) for name in names[:2]),
        *(database.writer.append(Append(name, 1, events(1))) for name in names[2:]),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes].count(IntegrityError) == 1
    assert [e.position for e in await log.read_feed("feed", 0, 100)] == list(range(1, 8))


@pytest.mark.parametrize(
    "event",
    [
        NewEvent("id", "text"),  # type: ignore[arg-type]
        NewEvent("id", b"x" * (MAX_PAYLOAD + 1)),
        NewEvent("nul\0", b""),
        NewEvent("\ud800", b""),
        NewEvent("", b""),
        NewEvent(7, b""),  # type: ignore[arg-type]
    ],
)
async def test_an_event_that_cannot_be_stored_is_refused_before_it_is_grouped(event: NewEvent) -> None:
    with pytest.raises(EventNotStorable):
        Append("s", 1, (event,))


async def test_a_write_is_stored_with_the_appends_of_its_group_and_fails_alone(
    database: Database, log: EventLog
) -> None:
    await open_streams(database, log, "s")
    rows = [{"company": "acme", "method": "M", "request_id": one, "digest": "", "name": ""} for one in "ab"]

    *successes, refused = await asyncio.gather(
        database.writer.append(Append("s", 1, events(1))),
        *(database.writer.write(Write(REMEMBER, row)) for row in rows),
        database.writer.write(Write(REMEMBER, rows[0])),
        return_exceptions=True,
    )

    assert isinstance(refused, IntegrityError)
    assert [one for one in successes if isinstance(one, Exception)] == []
    assert len(await database.fetch(select(REQUESTS))) == 2
    assert len(await log.read("s", 0, 10)) == 1


async def test_an_append_that_the_database_refuses_fails_alone(database: Database, log: EventLog) -> None:
    await open_streams(database, log, "good", "bad")

    outcomes = await asyncio.gather(
        database.writer.append(Append("good", 1, events(1))),
        database.writer.append(Append("bad", 1, events(1), also=((NONSENSE, {}),))),
        database.writer.append(Append("good", 2, events(1))),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], Exception)
    assert [e.seq for e in await log.read("good", 0, 10)] == [1, 2]
    assert await log.read("bad", 0, 10) == []
    assert database.healthy


async def test_a_failed_transaction_stores_nothing_and_fails_no_other(database: Database, log: EventLog) -> None:
    async def fail(conn: AsyncConnection) -> None:
        await log.open_streams(conn, [NewStream("half", "acme", "feed", events(2))])
        raise LookupError

    async def work(conn: AsyncConnection) -> str:
        await log.open_streams(conn, [NewStream("whole", "acme", "feed", events(2))])
        return "done"

    outcomes = await asyncio.gather(database.writer.run(fail), database.writer.run(work), return_exceptions=True)

    assert isinstance(outcomes[0], LookupError)
    assert outcomes[1] == "done"
    assert await log.read("half", 0, 10) == []
    assert [e.position for e in await log.read_feed("feed", 0, 10)] == [1, 2]


async def test_ten_thousand_streams_open_in_one_transaction(database: Database, log: EventLog) -> None:
    streams = [NewStream(new_id(), "acme", "feed", events(2)) for _ in range(10_000)]

    await database.writer.run(lambda conn: log.open_streams(conn, streams))

    assert await log.head("feed") == 20_000
    last = await log.read(streams[-1].stream, 0, 10)
    assert [(e.seq, e.position) for e in last] == [(1, 19_999), (2, 20_000)]


async def test_deleted_streams_are_gone_and_their_positions_are_not_used_again(
    database: Database, log: EventLog
) -> None:
    await open_streams(database, log, "a", "b")
    await database.writer.append(Append("a", 1, events(3)))
    await database.writer.append(Append("b", 1, events(3)))

    await database.writer.run(lambda conn: log.delete(conn, ["b"]))
    await database.writer.append(Append("a", 4, events(1)))

    assert [e.position for e in await log.read_feed("feed", 0, 10)] == [1, 2, 3, 7]
    with pytest.raises(StreamNotFound):
        await database.writer.append(Append("b", 4, events(1)))

    await database.writer.run(lambda conn: log.delete_feed(conn, "feed"))
    assert await log.read("a", 0, 10) == []
    assert await log.head("feed") == 0


async def test_many_conflicting_appenders_leave_no_gap_and_no_repeat(
    database: Database, replica: Database, log: EventLog
) -> None:
    names = [f"s{n}" for n in range(6)]
    await open_streams(database, log, *names[:4], feed="f1")
    await open_streams(database, log, *names[4:], feed="f2")

    async def appender(seed: int) -> set[str]:
        """Append 15 times to random streams; after a conflict, read the next seq and try again."""
        draw, won, heads = random.Random(seed), set[str](), dict.fromkeys(names, 1)
        writer = draw.choice([database, replica]).writer
        while len(won) < 15:
            name = draw.choice(names)
            append = Append(name, heads[name], events(draw.randint(1, 3)))
            try:
                appended = await writer.append(append)
                if draw.random() < 0.3:
                    assert await writer.append(append) == appended
                won.add(append.events[0].id)
                heads[name] = appended.last_seq + 1
            except AppendConflict as conflict:
                heads[name] = int(conflict.details["next_seq"])
        return won

    won = set[str]().union(*await asyncio.gather(*(appender(seed) for seed in range(12))))

    stored = [await log.read(name, 0, 10_000) for name in names]
    assert all([e.seq for e in stream] == list(range(1, len(stream) + 1)) for stream in stored)
    for feed in ("f1", "f2"):
        in_order = await log.read_feed(feed, 0, 10_000)
        assert [e.position for e in in_order] == list(range(1, len(in_order) + 1))
        assert await log.head(feed) == len(in_order)
        assert all(_ascending([e.seq for e in in_order if e.stream == name]) for name in names)
    ids = [e.id for stream in stored for e in stream]
    assert len(ids) == len(set(ids))
    assert won <= set(ids)


def _ascending(numbers: Sequence[int]) -> bool:
    return all(a < b for a, b in pairwise(numbers))
