"""With a full disk, a lock or a lost server, calls fail, stored data stays, and the store recovers by itself."""

import asyncio
import contextlib
import random
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.engine import Database
from shared.db.eventlog import Append, EventLog, NewEvent, NewStream
from shared.db.faults import StoreUnavailable
from shared.db.options import DatabaseOptions
from shared.ids import new_id
from tests.disks import small_disk
from tests.postgres import PostgresServer, private_postgres
from tests.unit.db.conftest import TABLES, open_database


def one(payload: bytes = b"payload") -> tuple[NewEvent, ...]:
    return (NewEvent(new_id(), payload),)


async def recovered(db: Database) -> None:
    """Wait until the database is healthy."""
    healthy = asyncio.Event()
    db.on_health(lambda well: healthy.set() if well else None)
    if not db.healthy:
        await healthy.wait()


async def stored_seqs(log: EventLog, stream: str = "s") -> list[int]:
    return [event.seq for event in await log.read(stream, 0, 100_000)]


async def append_until_full(db: Database, log: EventLog) -> Append:
    """Append until the store refuses, and return the refused append."""
    for seq in range(1, 10_000):
        append = Append("s", seq, one(b"x" * 4_000))
        try:
            await db.writer.append(append)
        except StoreUnavailable:
            assert not db.healthy
            assert await stored_seqs(log) == list(range(1, seq))
            return append
    pytest.fail("the store never filled up")


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
async def sqlite_path(tmp_path: Path) -> Path:
    return tmp_path / "greenroom.db"


@pytest.fixture
async def sqlite(sqlite_path: Path) -> AsyncIterator[Database]:
    db = await open_database(f"sqlite+aiosqlite:///{sqlite_path}", DatabaseOptions(lock_seconds=0.1))
    await db.writer.run(lambda conn: EventLog(db, TABLES).open_streams(conn, [NewStream("s", "acme", "f")]))
    yield db
    await db.close()


async def test_a_locked_database_is_unavailable_until_the_lock_is_gone(sqlite: Database, sqlite_path: Path) -> None:
    log, changes = EventLog(sqlite, TABLES), list[bool]()
    sqlite.on_health(changes.append)
    await sqlite.writer.append(Append("s", 1, one()))
    intruder = sqlite3.connect(sqlite_path, isolation_level=None)
    intruder.execute("BEGIN EXCLUSIVE")
    append = Append("s", 2, one())

    with pytest.raises(StoreUnavailable):
        await sqlite.writer.append(append)
    assert not sqlite.healthy
    assert await stored_seqs(log) == [1]

    intruder.rollback()
    intruder.close()
    await recovered(sqlite)
    await sqlite.writer.append(append)
    assert await stored_seqs(log) == [1, 2]
    assert changes == [False, True]


async def test_a_file_that_cannot_grow_is_unavailable_until_it_can(sqlite: Database) -> None:
    log = EventLog(sqlite, TABLES)

    with largest_file(1 << 20):
        refused = await append_until_full(sqlite, log)

    await recovered(sqlite)
    await sqlite.writer.append(refused)
    assert await stored_seqs(log) == list(range(1, refused.expected + 1))


async def test_a_full_disk_is_unavailable_until_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path, "2m") as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * (1 << 20))
        db = await open_database(f"sqlite+aiosqlite:///{disk / 'greenroom.db'}")
        log = EventLog(db, TABLES)
        try:
            await db.writer.run(lambda conn: log.open_streams(conn, [NewStream("s", "acme", "f")]))
            refused = await append_until_full(db, log)
            ballast.unlink()
            await recovered(db)
            await db.writer.append(refused)
            assert await stored_seqs(log) == list(range(1, refused.expected + 1))
        finally:
            await db.close()


async def test_the_probe_leaves_nothing_behind(database: Database) -> None:
    database._fault(OSError("as if"))
    await recovered(database)

    async with database.read() as conn:
        catalogue = "sqlite_master" if database.dialect == "sqlite" else "pg_class"
        column = "name" if database.dialect == "sqlite" else "relname"
        assert (await conn.execute(text(f"SELECT 1 FROM {catalogue} WHERE {column} LIKE '%probe%'"))).all() == []


async def test_a_reader_cannot_write(database: Database, log: EventLog) -> None:
    await database.writer.run(lambda conn: log.open_streams(conn, [NewStream("s", "acme", "f", one())]))

    with pytest.raises((StoreUnavailable, DBAPIError)):
        async with database.read() as conn:
            await conn.execute(text("DELETE FROM events"))

    assert await stored_seqs(log) == [1]


async def test_a_folder_that_is_missing_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'missing' / 'greenroom.db'}")


async def test_closing_a_writer_commits_what_waits(database_url: str) -> None:
    db = await open_database(database_url)
    log = EventLog(db, TABLES)
    await db.writer.run(lambda conn: log.open_streams(conn, [NewStream("s", "acme", "f")]))
    waiting = [asyncio.ensure_future(db.writer.append(Append("s", seq, one()))) for seq in range(1, 11)]
    await asyncio.sleep(0)

    await db.close()

    assert [(await append).first_seq for append in waiting] == list(range(1, 11))
    with pytest.raises(StoreUnavailable):
        await db.writer.append(Append("s", 11, one()))


async def test_a_stopped_server_is_unavailable_until_it_is_back() -> None:
    server = private_postgres()
    try:
        server.start()
        db = await open_database(server.create_database())
        log = EventLog(db, TABLES)
        await db.writer.run(lambda conn: log.open_streams(conn, [NewStream("s", "acme", "f")]))
        await db.writer.append(Append("s", 1, one()))

        server.stop("immediate")
        with pytest.raises(StoreUnavailable):
            await db.writer.append(Append("s", 2, one()))
        with pytest.raises(StoreUnavailable):
            await log.read("s", 0, 10)
        assert not db.healthy

        server.start()
        await recovered(db)
        await db.writer.append(Append("s", 2, one()))
        assert await stored_seqs(log) == [1, 2]
        await db.close()
    finally:
        server.remove()


async def test_killing_sessions_at_random_loses_no_event_and_repeats_none(postgres: PostgresServer) -> None:
    db = await open_database(postgres.create_database())
    log, names = EventLog(db, TABLES), [f"s{n}" for n in range(8)]
    for name in names:
        await db.writer.run(lambda conn, name=name: log.open_streams(conn, [NewStream(name, "acme", "f")]))  # type: ignore[misc]
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{db.url.database}'"
    faults = 0

    async def appender(name: str) -> None:
        nonlocal faults
        for seq in range(1, 61):
            append = Append(name, seq, one())
            while True:
                try:
                    assert (await db.writer.append(append)).first_seq == seq
                    break
                except StoreUnavailable:
                    faults += 1
                    await recovered(db)

    async def killer() -> None:
        draw = random.Random(7)
        for _ in range(8):
            await asyncio.to_thread(postgres.sql, kill)
            await asyncio.sleep(draw.uniform(0.0, 0.05))

    await asyncio.gather(killer(), *map(appender, names))
    await recovered(db)

    assert faults > 0
    in_order = await log.read_feed("f", 0, 10_000)
    assert [event.position for event in in_order] == list(range(1, 8 * 60 + 1))
    for name in names:
        assert await stored_seqs(log, name) == list(range(1, 61))
    await db.close()


async def test_two_writers_in_a_deadlock_both_succeed(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    one_db, other_db = await open_database(url), await Database.open(url)
    log = EventLog(one_db, TABLES)
    for name in "ab":
        await one_db.writer.run(lambda conn, name=name: log.open_streams(conn, [NewStream(name, "acme", None)]))  # type: ignore[misc]
    both_hold = asyncio.Barrier(2)
    runs = 0

    async def interrupt(db: Database, first: str, second: str) -> None:
        async def work(conn: AsyncConnection) -> None:
            nonlocal runs
            runs += 1
            await log.interrupt(conn, first)
            if runs <= 2:
                await both_hold.wait()
            await log.interrupt(conn, second)

        await db.writer.run(work)

    await asyncio.gather(interrupt(one_db, "a", "b"), interrupt(other_db, "b", "a"))

    assert runs >= 3
    assert one_db.healthy
    assert other_db.healthy
    await one_db.close()
    await other_db.close()


APPENDER = """
import asyncio, sys
from shared.db.engine import Database
from shared.db.eventlog import (Append, NewEvent)
from shared.ids import new_id

async def main():
    db = await Database.open(sys.argv[1])
    async def produce(stream):
        for seq in range(1, 1_000_000):
            await db.writer.append(Append(stream, seq, (NewEvent(new_id(), b"payload"),)))
            print(stream, seq, flush=True)
    await asyncio.gather(*(produce(f"s{n}") for n in range(8)))

asyncio.run(main())
"""


async def test_an_answered_append_survives_a_kill(database: Database, log: EventLog) -> None:
    names = [f"s{n}" for n in range(8)]
    await database.writer.run(lambda conn: log.open_streams(conn, [NewStream(name, "acme", "f") for name in names]))
    url = database.url.render_as_string(hide_password=False)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", APPENDER, url, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(500)]

    process.kill()
    # The kill can cut the last line.
    lines += [line for line in (await process.stdout.read()).splitlines(keepends=True) if line.endswith(b"\n")]
    await process.wait()

    answered = {stream.decode(): int(seq) for stream, seq in (line.split() for line in lines)}
    for name in names:
        seqs = await stored_seqs(log, name)
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) >= answered.get(name, 0)
    in_order = await log.read_feed("f", 0, 1_000_000)
    assert [event.position for event in in_order] == list(range(1, len(in_order) + 1))
