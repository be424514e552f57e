"""Two synthesizers on one store: one runs the jobs, both serve, and each continues when the other is lost."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from signal import SIGKILL

from sqlalchemy import make_url

from greenroom.synthesizer.v1.batch_pb2 import Batch
from shared.db.engine import Database
from shared.db.ownership import Ownership
from tests.durable.gate import Gate
from tests.durable.synthesizers import Store, postgres_store, synthesizer
from tests.postgres import PostgresServer
from tests.rehearsals import Row, batch_spec, check_order, check_undisturbed, feed, import_rehearsal, over, rows
from tests.suite import suite

END_THE_LOCKS_SESSION = """
    SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE locktype = 'advisory' AND datname = current_database()
"""


async def test_a_replica_serves_calls_and_watches_and_takes_over_from_an_owner_that_is_killed(
    store: Store, undisturbed: Mapping[int, Row], tmp_path: Path
) -> None:
    async with synthesizer(store, KILL_AT="commit:300") as (owner, client), synthesizer(store) as (_, replica):
        await import_rehearsal(client, tmp_path)
        batch = (await replica.batches.start(batch_spec(), create_only=True)).name
        async with replica.batches.watch(batch) as events:
            await replica.batches.run(batch)
            seen = [event.id async for event in events]
        assert await owner.died() == -SIGKILL
        found = await rows(replica, batch)

    stored = await feed(store.url, batch)
    assert seen == [event.id for event in stored]
    check_undisturbed(found, stored, undisturbed)


async def test_a_replica_cancels_what_the_owner_runs_and_aborts_its_calls(store: Store, tmp_path: Path) -> None:
    async with synthesizer(store, HANG_AT="model:300") as (_, client), synthesizer(store) as (_, replica):
        await import_rehearsal(client, tmp_path)
        batch = (await client.batches.start(batch_spec())).name
        async with replica.batches.watch(batch) as events:
            async for event in events:
                if event.turn > 1:
                    break
        await replica.batches.cancel(batch)
        cancelled = await over(replica, batch)

    assert cancelled.state == Batch.STATE_CANCELLED
    assert cancelled.counts.cancelled > 0
    assert cancelled.counts.cancelled + cancelled.counts.completed == cancelled.spec.size
    check_order(await feed(store.url, batch))


async def test_an_owner_that_lost_its_lock_stops_its_jobs_before_it_asks_for_it_again(
    postgres: PostgresServer, undisturbed: Mapping[int, Row], tmp_path: Path
) -> None:
    url, gate = postgres.create_database(), Gate(calls=300, cling=True)
    async with suite(url, tmp_path, model=gate.model) as greenroom:
        client = greenroom.client
        await import_rehearsal(client, tmp_path)
        batch = (await client.batches.start(batch_spec())).name
        await gate.reached.wait()

        db = await Database.open(url)
        await asyncio.to_thread(postgres.sql, END_THE_LOCKS_SESSION, str(db.url.database))
        await gate.interrupted.wait()
        other = Ownership(db)
        assert await other.try_acquire(), "the lock is free as long as a job of its last owner is not gone"
        gate.let_go.set()
        gate.open()
        await other.release()
        await db.close()

        await over(client, batch)
        found = await rows(client, batch)
    check_undisturbed(found, await feed(url, batch), undisturbed)


async def test_owners_that_lose_their_lock_again_and_again_repeat_nothing(
    postgres: PostgresServer, undisturbed: Mapping[int, Row], tmp_path: Path
) -> None:
    store = postgres_store(postgres.create_database())
    database = str(make_url(store.url).database)
    seen: list[str] = []
    async with synthesizer(store) as (_, client), synthesizer(store) as (_, replica):
        await import_rehearsal(client, tmp_path)
        batch = (await client.batches.start(batch_spec(), create_only=True)).name
        async with replica.batches.watch(batch) as events:
            await client.batches.run(batch)
            async for event in events:
                seen.append(event.id)
                if len(seen) in (300, 500, 700, 900):
                    await asyncio.to_thread(postgres.sql, END_THE_LOCKS_SESSION, database)
        found = await rows(client, batch)

    stored = await feed(store.url, batch)
    assert seen == [event.id for event in stored]
    check_undisturbed(found, stored, undisturbed)
