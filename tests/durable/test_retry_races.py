"""A retry on one replica while the other one's last conversation ends."""

import asyncio
from pathlib import Path

from sqlalchemy import make_url, text

from greenroom.synthesizer.v1.batch_pb2 import Batch, BatchCounts, BatchSpec
from shared.db.engine import Database
from tests.postgres import PostgresServer
from tests.scripted import Held, Script, leaves, refuses, theatre
from tests.suite import suite

LOCK = 4_711
# Wait between the statement that completes a batch and its commit.
HOLD_COMPLETIONS = f"""
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END $$;
    CREATE TRIGGER hold AFTER UPDATE ON batches FOR EACH ROW WHEN (new.state = 'COMPLETED') EXECUTE FUNCTION hold();
"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_a_batch_is_not_completed_while_a_conversation_of_it_is_retried(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url, last, again = postgres.create_database(), Held(leaves()), Held(leaves())
    database = str(make_url(url).database)

    async def waiting(count: int) -> bool:
        return int(await asyncio.to_thread(postgres.sql, WAITING, database)) >= count

    async with theatre(url, tmp_path) as stage, suite(url, tmp_path) as replica:
        await asyncio.to_thread(postgres.sql, HOLD_COMPLETIONS, database)
        script = Script(by_index={0: Script(persona=[refuses(), again]), 1: Script(persona=[last])})
        spec = BatchSpec(conversation=stage.spec(script, persona=""), size=2)
        batch = (await stage.client.batches.start(spec)).name
        failed = await anext(stage.client.batches.results(batch))
        await stage.over(failed.conversation)
        await last.begun.wait()

        db = await Database.open(url)
        async with db.read() as conn:
            await conn.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            last.released.set()
            while not await waiting(1):
                pass
            retry = asyncio.create_task(replica.client.conversations.retry(failed.conversation))
            while not (retry.done() or await waiting(2)):
                pass
        await db.close()

        await retry
        await again.begun.wait()
        assert (await stage.client.batches.get(batch)).state == Batch.STATE_RUNNING
        again.released.set()
        await stage.over(failed.conversation)
        done = await stage.client.batches.get(batch)
        assert (done.state, done.counts) == (Batch.STATE_COMPLETED, BatchCounts(completed=2))
