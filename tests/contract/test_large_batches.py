"""Batches of the largest allowed size: they make no unnecessary queries, and other calls do not wait for them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select

from greenroom.client import connect
from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1.conversation_pb2 import Conversation, ConversationFilter
from greenroom.synthesizer.v1.source_pb2 import SourceFilter
from services.synthesizer.batches.store import batches
from services.synthesizer.conversations.store.tables import conversations, terms
from services.synthesizer.store import log, requests
from shared.clock import wall_clock
from shared.db.engine import Database
from shared.db.eventlog import EventLog, NewEvent, NewStream
from shared.ids import first_id, new_id
from tests.contract.batches import over, spec
from tests.scripted import Theatre, refused, source_line, theatre
from tests.suite import suite


@contextmanager
def asked_of(*tables: str) -> Iterator[list[str]]:
    """Record the queries of these tables."""
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.extend(table for table in tables if statement.startswith("SELECT") and f"FROM {table}" in statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_more_sources_are_looked_up_with_no_more_queries(stage: Theatre) -> None:
    names = await stage.import_sources(*(source_line(f"many-{n}", procedure="orders") for n in range(40)))

    async def asked(count: int) -> list[str]:
        wanted = spec(stage, size=count, procedure="", sources=names[:count], linked_revisions=True)
        with asked_of("sources", "procedures", "revisions") as queries:
            await stage.client.batches.start(wanted, create_only=True)
        return sorted(queries)

    few = await asked(2)
    assert few
    assert await asked(40) == few


async def stored(url: str) -> dict[str, int]:
    """The number of rows in each table that a batch writes to."""
    db = await Database.open(url)
    try:
        tables = (log.events, log.streams, log.feeds, conversations, terms, requests, batches)
        async with db.read() as conn:
            return {table.name: await conn.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
    finally:
        await db.close()


@dataclass
class House:
    """A theatre, and its database."""

    stage: Theatre
    url: str


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def shared_house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A house on each database."""
    folder = tmp_path_factory.mktemp("house")
    url = f"sqlite+aiosqlite:///{folder / 'synthesizer.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").create_database()
    async with theatre(url, folder) as stage:
        yield House(stage, url)


@pytest.fixture
def house(shared_house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house that stores batches of more than three conversations in several steps during the test."""
    monkeypatch.setattr("services.synthesizer.batches.start.AT_ONCE", 3)
    return shared_house


async def test_cancel_returns_at_once_and_jobs_close_the_conversations(house: House) -> None:
    stage = house.stage
    engine = stage.suite.app._engine
    await engine.stop()
    created = await stage.client.batches.start(spec(stage, size=30), create_only=True)

    asked = await stage.client.batches.cancel(created.name)
    await engine.start()

    assert asked.counts == pb.BatchCounts(pending=30), "nobody waits while one after the other is ended"
    cancelled = await over(stage, created.name)
    assert cancelled.state == pb.Batch.STATE_CANCELLED
    assert cancelled.counts == pb.BatchCounts(cancelled=30)


async def test_a_batch_that_is_stored_page_by_page_equals_any_other(house: House) -> None:
    stage = house.stage
    names = await stage.import_sources(*(source_line(f"step-{n}") for n in range(5)))
    started = await stage.client.batches.start(spec(stage, size=10, sources=names), request_id="in-steps")

    done = await over(stage, started.name)

    assert done.counts == pb.BatchCounts(completed=10)
    rows = [row async for row in stage.client.batches.results(done.name)]
    assert [row.index for row in rows] == list(range(10))
    async with stage.client.batches.watch(done.name) as watched:
        seen = [event.id async for event in watched]
    of_each = [event.id for row in rows for event in await stage.events(row.conversation)]
    assert sorted(seen) == sorted(of_each)


async def test_what_a_batchs_conversations_have_in_common_is_stored_once(house: House) -> None:
    wanted = spec(house.stage, size=10, personas=[pb.PersonaShare(persona="personas/busy-bob")])
    wanted.conversation.tool_config.default_answer.value.struct_value.update({"text": "long " * 20})
    before = await stored(house.url)

    created = await house.stage.client.batches.start(wanted, create_only=True)

    after = await stored(house.url)
    assert after["conversations"] - before["conversations"] == 10
    assert after["terms"] - before["terms"] == 2, "the spec, and one persona"
    found = house.stage.client.conversations.list(ConversationFilter(batch=created.name))
    for one in [conversation async for conversation in found]:
        assert one.spec.tool_config == wanted.conversation.tool_config
        assert one.spec.persona == "personas/busy-bob"


async def test_a_large_batch_that_cannot_be_started_leaves_nothing_behind(house: House) -> None:
    silent = [{"agent_message": {"text": "Anybody there?"}, "virtual_time": "2025-03-03T10:00:00Z"}]
    names = await house.stage.import_sources(
        *(source_line(f"speaks-{n}") for n in range(9)), source_line("silent", events=silent, resources=[])
    )
    before = await stored(house.url)

    for seed in range(3):  # seeds put the silent source at different indexes
        async with refused("FAILED_PRECONDITION", "SOURCE_HAS_NO_USER_MESSAGE"):
            await house.stage.client.batches.start(spec(house.stage, size=10, sources=names, seed=seed), request_id="r")

    assert await stored(house.url) == before


async def test_a_large_batch_that_is_requested_many_times_at_once_is_stored_once(house: House) -> None:
    wanted, before = spec(house.stage, size=10), await stored(house.url)

    at_once = [house.stage.client.batches.start(wanted, create_only=True, request_id="once") for _ in range(4)]
    started = await asyncio.gather(*at_once)

    assert len({batch.name for batch in started}) == 1
    after = await stored(house.url)
    assert (after["streams"] - before["streams"], after["feeds"] - before["feeds"]) == (10, 1)


async def test_what_a_killed_process_had_prepared_is_removed_once_nobody_can_be_at_work_on_it(house: House) -> None:
    created = await house.stage.client.batches.start(spec(house.stage, size=10), create_only=True)
    before = await stored(house.url)
    db = await Database.open(house.url)
    event_log = EventLog(db, log)
    day = 86_400_000
    old, young = first_id(wall_clock() - day - 60_000), new_id()
    for feed in (old, young):
        streams = [NewStream(new_id(), "acme", feed, (NewEvent(new_id(), b"{}"),)) for _ in range(3)]
        await db.writer.run(partial(event_log.open_streams, streams=streams))
    await db.close()

    async with suite(house.url, house.stage.folder) as restarted:
        assert (await restarted.client.batches.get(created.name)).counts == pb.BatchCounts(created=10)

    after = await stored(house.url)
    assert (after["streams"] - before["streams"], after["feeds"] - before["feeds"]) == (3, 1), "the young one"


async def test_ten_thousand_conversations_over_ten_thousand_sources_are_started_listed_and_cancelled(
    database_url: str, tmp_path: Path
) -> None:
    count = 10_000
    async with theatre(database_url, tmp_path) as stage, connect(stage.suite.address, timeout=120) as patient:
        engine = stage.suite.app._engine
        await engine.stop()
        lines = tmp_path / "many.jsonl"
        lines.write_text("".join(source_line(f"of-many-{n}") + "\n" for n in range(count)))
        await stage.client.sources.import_file(lines)

        started = await patient.batches.start(
            spec(stage, size=count, source_filter=SourceFilter(format="greenroom", finished=True))
        )

        assert started.counts == pb.BatchCounts(pending=count)
        assert [batch async for batch in stage.client.batches.list()] == [started]
        rows = [row async for row in stage.client.batches.results(started.name)]
        assert [row.index for row in rows] == list(range(count))
        assert len({row.source for row in rows}) == count

        await patient.batches.cancel(started.name)
        await engine.start()
        # The others end later. Tests of smaller batches check the result when all have ended.
        assert (await stage.over(rows[0].conversation)).state == Conversation.STATE_CANCELLED
