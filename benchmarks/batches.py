"""How long a caller waits until the largest batch is started, and until it is cancelled.

Ours: a synthesizer in its own process starts a batch of 10,000 conversations over 10,000 sources, each continuing after
the customer's question, and cancels it while it runs. For comparison: the event log alone stores the same number of
first events.
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path

from benchmarks.conversations import new_procedure
from benchmarks.eventlog import PAYLOAD
from benchmarks.results import gates, limited, report
from benchmarks.servers import server
from greenroom.client import connect
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2, source_pb2
from shared.db.engine import Database
from shared.db.eventlog import EventLog, NewEvent, NewStream, event_tables
from shared.db.tables import new_metadata
from shared.ids import new_id

TOPIC = "batches"
FIRST_EVENTS = 2
"""Events stored per conversation at the start: opened, and the customer's question."""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    work = gate["quick" if quick else "full"]
    starts, cancels, floors = [], [], []
    for _ in range(work["rounds"]):
        floors.append(await _stored_alone(work["conversations"]))
        started, cancelled = await _started_and_cancelled(work["conversations"])
        starts.append(started)
        cancels.append(cancelled)
    return report(TOPIC, [limited(gate["start"], "s", starts, beside=floors), limited(gate["cancel"], "s", cancels)])


async def _started_and_cancelled(size: int) -> tuple[float, float]:
    """Seconds until Start of a batch of this size returned, and until Cancel returned."""
    with server("services.synthesizer") as process, tempfile.TemporaryDirectory() as folder:
        async with connect(process.address) as client:
            await client.sources.import_file(_sources(Path(folder), size))
            spec = batch_pb2.BatchSpec(
                conversation=conversation_pb2.ConversationSpec(procedure=await new_procedure(client), seed=1),
                source_filter=source_pb2.SourceFilter(finished=True),
                size=size,
            )
            spec.conversation.tool_config.default_answer.value.struct_value.update({"status": "ok"})
            began = time.perf_counter()
            batch = await client.batches.start(spec)
            started = time.perf_counter()
            await client.batches.cancel(batch.name)
            return started - began, time.perf_counter() - started


def _sources(folder: Path, count: int) -> Path:
    path = folder / "sources.jsonl"
    events = [{"user_message": {"text": "Where is my order?"}}, {"agent_message": {"text": "On its way."}}]
    with path.open("w") as file:
        for number in range(count):
            file.write(json.dumps({"external_id": f"s-{number}", "finished": True, "events": events}) + "\n")
    return path


async def _stored_alone(streams: int) -> float:
    """Seconds that the event log takes to store the first events of this many streams in one transaction."""
    metadata = new_metadata()
    tables = event_tables(metadata)
    with tempfile.TemporaryDirectory() as folder:
        db = await Database.open(f"sqlite+aiosqlite:///{folder}/eventlog.db")
        try:
            await db.writer.run(lambda conn: conn.run_sync(metadata.create_all))
            log, feed = EventLog(db, tables), new_id()
            new = [
                NewStream(new_id(), "bench", feed, tuple(NewEvent(new_id(), PAYLOAD) for _ in range(FIRST_EVENTS)))
                for _ in range(streams)
            ]
            began = time.perf_counter()
            await db.writer.run(lambda conn: log.open_streams(conn, new))
            return time.perf_counter() - began
        finally:
            await db.close()
