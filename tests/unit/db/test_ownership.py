"""One process owns a database's jobs, and a process that loses them soon notices."""

import asyncio

import pytest
from structlog.testing import capture_logs

from shared.db.engine import Database
from shared.db.ownership import Ownership
from tests.postgres import PostgresServer, private_postgres


async def test_one_owner_at_a_time(database: Database, replica: Database) -> None:
    mine, theirs = Ownership(database), Ownership(replica)

    assert await mine.try_acquire()
    assert mine.held
    assert not await theirs.try_acquire()
    waiting = asyncio.ensure_future(theirs.acquire())

    await mine.release()
    await waiting
    assert theirs.held
    assert not await mine.try_acquire()
    await theirs.release()


async def test_locks_with_different_names_are_independent(database: Database, replica: Database) -> None:
    jobs, other = Ownership(database), Ownership(replica, "other")

    assert await jobs.try_acquire()
    assert await other.try_acquire()
    await jobs.release()
    await other.release()


async def test_an_owner_notices_a_lost_connection_and_must_release_before_it_asks_again(
    postgres: PostgresServer,
) -> None:
    url = postgres.create_database()
    first, second = await Database.open(url), await Database.open(url)
    mine, theirs = Ownership(first), Ownership(second)
    await mine.acquire()

    kill = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    await asyncio.to_thread(postgres.sql, kill, str(first.url.database))
    await mine.lost.wait()

    assert not mine.held
    assert await theirs.try_acquire()
    with pytest.raises(RuntimeError):
        await mine.try_acquire()
    await mine.release()
    assert not await mine.try_acquire()
    await theirs.release()
    assert await mine.try_acquire()
    await mine.release()
    await first.close()
    await second.close()


async def test_an_outage_of_the_server_is_logged_once_and_its_end_once() -> None:
    server = private_postgres()
    await asyncio.to_thread(server.start)
    db = await Database.open(server.create_database())
    ownership = Ownership(db)
    await asyncio.to_thread(server.stop)

    with capture_logs() as told:
        for _ in range(5):
            assert not await ownership.try_acquire()
        await asyncio.to_thread(server.start)
        assert await ownership.try_acquire()

    asked = [one for one in told if "ownership" in one["event"]]
    assert [one["log_level"] for one in asked] == ["warning", "info"]
    assert asked[1]["times"] == 5
    await ownership.release()
    await db.close()
    await asyncio.to_thread(server.stop)
    server.remove()
