"""A batch over real sources, and checks that it ends the same after any disturbance."""

import gzip
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from greenroom.client import Client
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2, source_pb2
from services.synthesizer.store import log
from shared.db.engine import Database
from shared.db.eventlog import EventLog, StoredEvent
from shared.model.events import unpack
from tests.data import shared_data

SOURCES = 10
SIZE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one conversation, without fields that differ from run to run."""

    state: conversation_pb2.Conversation.State.ValueType
    reason: str
    turns: int
    digest: str
    model_calls: int


async def import_rehearsal(client: Client, folder: Path) -> None:
    """Import the first SOURCES sources of abcd, and all procedures. folder: for a temporary file with these sources."""
    abcd = shared_data("abcd")
    dialogues = folder / "dialogues.jsonl"
    with gzip.open(abcd / "dialogues.jsonl.gz", "rt") as lines:
        dialogues.write_text("".join(islice(lines, SOURCES)))
    await client.procedures.import_file(abcd / "procedures.jsonl.gz", format="abcd")
    imported = await client.sources.import_file(dialogues, format="abcd")
    assert imported.imported == SOURCES


def batch_spec(size: int = SIZE, *, seed: int = 7) -> batch_pb2.BatchSpec:
    """A batch over all imported sources, each with the revision that it is linked to."""
    conversation = conversation_pb2.ConversationSpec(seed=seed)
    conversation.tool_config.default_answer.value.struct_value.update({"status": "ok"})
    return batch_pb2.BatchSpec(
        conversation=conversation,
        source_filter=source_pb2.SourceFilter(format="abcd"),
        linked_revisions=True,
        size=size,
    )


async def over(client: Client, batch: str) -> batch_pb2.Batch:
    """The batch, once it is over; the server may come and go meanwhile."""
    async with client.batches.watch(batch) as events:
        async for _ in events:
            pass
    assert events.summary is not None
    return events.summary


async def rows(client: Client, batch: str) -> dict[int, Row]:
    """The results of the conversations, by index."""
    return {
        result.index: Row(result.state, result.reason, result.turns, result.digest, result.usage.model_calls)
        async for result in client.batches.results(batch)
    }


async def feed(store_url: str, batch: str) -> list[StoredEvent]:
    """All events of a batch as they are stored, in the batch's order."""
    name = batch.removeprefix("batches/")
    db = await Database.open(store_url)
    try:
        event_log = EventLog(db, log)
        return await event_log.read_feed(name, 0, await event_log.head(name))
    finally:
        await db.close()


def last_seqs(events: Sequence[StoredEvent]) -> dict[str, int]:
    """The last seq of each conversation, by its name."""
    return {f"conversations/{event.stream}": event.seq for event in events}


def check_order(events: Sequence[StoredEvent]) -> None:
    """Each conversation's seqs and the batch's positions have no gap and no repeat."""
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    seqs: dict[str, list[int]] = defaultdict(list)
    for event in events:
        seqs[event.stream].append(event.seq)
    for found in seqs.values():
        assert found == list(range(1, len(found) + 1))


def check_undisturbed(found: Mapping[int, Row], events: Sequence[StoredEvent], undisturbed: Mapping[int, Row]) -> None:
    """A disturbed batch has the results of an undisturbed one: no event is lost, repeated or paid for twice."""
    assert found == undisturbed
    check_order(events)
    usages = [unpack(event.payload).usage for event in events]
    paid = sum(usage.model_calls for usage in usages if usage is not None)
    assert paid == sum(row.model_calls for row in undisturbed.values())
