"""One process owns a database's jobs, and one that lost them knows it before another has them for long."""

import asyncio

import pytest

from shared.db.engine import Database
from shared.db.ownership import Ownership
from tests.postgres import PostgresServer


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


async def test_locks_of_other_names_do_not_meet(database: Database, replica: Database) -> None:
    jobs, other = Ownership(database), Ownership(replica, "other")

    assert await jobs.try_acquire()
    assert await other.try_acquire()
    await jobs.release()
    await other.release()


async def test_an_owner_whose_connection_is_lost_hears_it_and_releases_before_it_asks_again(
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
