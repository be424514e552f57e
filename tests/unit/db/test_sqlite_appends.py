"""The writer's process: it may be killed at any moment, and it does not outlive the one that started it."""

import asyncio
import os
import signal
from pathlib import Path

from shared.db.eventlog import Append, EventLog, NewEvent, NewStream
from shared.ids import new_id
from tests.processes import service, workers
from tests.unit.db.conftest import TABLES, open_database

STREAMS = 20
APPENDS = 30


async def test_a_writer_that_is_killed_costs_no_event_and_repeats_none(tmp_path: Path) -> None:
    others = workers()
    db = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'greenroom.db'}", writer_process=True)
    log, ids = EventLog(db, TABLES), {f"s{number}": [new_id() for _ in range(APPENDS)] for number in range(STREAMS)}
    killed: set[int] = set()

    async def produce(stream: str) -> None:
        for seq, event in enumerate(ids[stream], 1):
            if stream == "s0" and seq % 10 == 0:
                [writer] = workers() - others
                os.kill(writer, signal.SIGKILL)
                killed.add(writer)
            await db.writer.append(Append(stream, seq, (NewEvent(event, b"payload"),)))

    try:
        await db.writer.run(lambda conn: log.open_streams(conn, [NewStream(name, "acme", "feed") for name in ids]))
        await asyncio.gather(*map(produce, ids))

        assert len(killed) == APPENDS // 10
        assert db.healthy
        assert {name: [event.id for event in await log.read(name, 0, 100)] for name in ids} == ids
        feed = await log.read_feed("feed", 0, STREAMS * APPENDS + 1)
        assert [event.position for event in feed] == list(range(1, STREAMS * APPENDS + 1))
    finally:
        await db.close()
    assert workers() == others


async def test_the_writer_ends_with_a_server_that_is_killed(tmp_path: Path) -> None:
    async with service("services.synthesizer", {"GREENROOM_DATA_DIR": str(tmp_path)}) as server:
        [writer] = workers(server.process.pid)
        ended = asyncio.Event()
        watched = os.pidfd_open(writer)
        asyncio.get_running_loop().add_reader(watched, ended.set)
        server.kill()
        async with asyncio.timeout(10):
            await ended.wait()
        asyncio.get_running_loop().remove_reader(watched)
        os.close(watched)
