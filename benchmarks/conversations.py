"""The event rate of whole conversations (rehearsed, stored and watched), compared with the event log alone.

Ours: a synthesizer in its own process rehearses 500 conversations of 10 turns with the offline model and synchronous
FULL, and this process watches all of them over gRPC. The other way: the bare event-log writer, which only appends. Both
take turns within one run.
"""

import asyncio
import tempfile
import time

from benchmarks.eventlog import bare_writer_events_per_second
from benchmarks.results import compared, gates, limited, report
from benchmarks.servers import Server, server
from greenroom.client import Client, connect
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2, procedure_pb2

TOPIC = "conversations"
TURNS = 10
SLOTS = ("name", "order_number", "email", "phone", "street", "city", "item", "colour", "size", "reason", "date", "wish")


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    work = gate["throughput"]["quick" if quick else "full"]
    ours, theirs, growth = [], [], []
    for _ in range(work["rounds"]):
        with tempfile.TemporaryDirectory() as folder:
            theirs.append(
                await bare_writer_events_per_second(f"sqlite+aiosqlite:///{folder}/eventlog.db", work["writer_seconds"])
            )
        rate, grown = await _rehearse(work["conversations"])
        ours.append(rate)
        growth.append(grown)
    return report(
        TOPIC,
        [compared(gate["throughput"], "events/s", ours, theirs), limited(gate["memory"], "MB", growth)],
    )


async def _rehearse(size: int) -> tuple[float, float]:
    """Events per second from Run to the summary, as a watcher sees them; and the server's growth in MB from the end of
    the 100th conversation."""
    with server("services.synthesizer") as process:
        async with connect(process.address) as client:
            return await _rehearsed(process, client, size)


async def _rehearsed(process: Server, client: Client, size: int) -> tuple[float, float]:
    spec = batch_pb2.BatchSpec(
        conversation=conversation_pb2.ConversationSpec(procedure=await new_procedure(client), max_turns=TURNS, seed=1),
        personas=[batch_pb2.PersonaShare(persona="personas/technical-tim")],
        size=size,
    )
    spec.conversation.tool_config.default_answer.value.struct_value.update({"status": "ok"})
    batch = await client.batches.start(spec, create_only=True)
    watch = client.batches.watch(batch.name)
    await client.batches.run(batch.name)
    started, copied, fresh, over, at_100 = time.perf_counter(), 0, 0, 0, 0.0
    async for event in watch:
        if event.WhichOneof("kind") == "opened":
            copied += 1
            continue
        fresh += 1
        if event.WhichOneof("kind") == "ended":
            over += 1
            if over == 100:
                at_100 = process.resident_mb()
    rate = fresh / (time.perf_counter() - started)
    grown = process.resident_mb() - at_100
    done = await client.batches.get(batch.name)
    if done.counts.completed != size or done.turns != size * TURNS:
        raise RuntimeError(f"not the work that the claim is about: {done.counts}, {done.turns} turns")
    return rate, grown


async def new_procedure(client: Client) -> str:
    """Create a procedure that asks for twelve slots and calls two tools in between; return its name."""
    revision = procedure_pb2.Revision(instructions="Ask for everything.")
    for tool in ("find_order", "check_item"):
        revision.tools.add(name=tool).arguments_schema.update({"type": "object"})
    for number, slot in enumerate(SLOTS):
        revision.steps.add(ask=procedure_pb2.AskStep(slot=slot, question=f"What is the {slot.replace('_', ' ')}?"))
        if number in (2, 6):
            tool = "find_order" if number == 2 else "check_item"
            revision.steps.add(call=procedure_pb2.CallStep(tool=tool, arguments={slot: slot}))
    created = await client.procedures.create(
        procedure_pb2.Procedure(display_name="Ask for everything"), revision, ready=True
    )
    return created.procedure.name
