"""How much of the event log's speed is left when whole conversations are rehearsed, stored and watched.

Ours: a synthesizer in a process of its own rehearses 500 conversations of 10 turns with the offline model, synchronous
FULL, and this process watches all of them over gRPC. The other way: the bare event-log writer, which does nothing but
append. Both take turns within one run.
"""

import asyncio
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from benchmarks.eventlog import bare_writer_events_per_second
from benchmarks.results import Result, gates, report
from greenroom.client import Client, connect
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2, procedure_pb2

TOPIC = "conversations"
TURNS = 10
SLOTS = ("name", "order_number", "email", "phone", "street", "city", "item", "colour", "size", "reason", "date", "wish")


def run(quick: bool) -> bool:
    """Measure, report, and say whether the gates held."""
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
        with tempfile.TemporaryDirectory() as folder:
            rate, grown = await _rehearse(Path(folder), work["conversations"])
        ours.append(rate)
        growth.append(grown)
    ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    limits = gate["throughput"]["gate"], gate["memory"]["gate"]
    return report(
        TOPIC,
        [
            Result(
                claim=gate["throughput"]["claim"],
                unit="events/s",
                ours=median(ours),
                theirs=median(theirs),
                ratio=ratio,
                gate=limits[0],
                held=ratio >= limits[0],
                samples={"ours": ours, "theirs": theirs},
            ),
            Result(
                claim=gate["memory"]["claim"],
                unit="MB",
                ours=median(growth),
                theirs=None,
                ratio=None,
                gate=limits[1],
                held=median(growth) <= limits[1],
                samples={"ours": growth},
            ),
        ],
    )


async def _rehearse(folder: Path, size: int) -> tuple[float, float]:
    """Events a second from Run to the summary, as a watcher sees them; and the server's growth in MB from 100 on."""
    async with _server(folder) as (process, address), connect(address) as client:
        spec = batch_pb2.BatchSpec(
            conversation=conversation_pb2.ConversationSpec(procedure=await _procedure(client), max_turns=TURNS, seed=1),
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
                    at_100 = _resident_mb(process.pid)
        rate = fresh / (time.perf_counter() - started)
        grown = _resident_mb(process.pid) - at_100
        done = await client.batches.get(batch.name)
        if done.counts.completed != size or done.turns != size * TURNS:
            raise RuntimeError(f"not the work that the claim is about: {done.counts}, {done.turns} turns")
        return rate, grown


async def _procedure(client: Client) -> str:
    """A procedure that asks for twelve things and calls two tools on the way."""
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


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[tuple[Process, str]]:
    """A synthesizer in a process of its own, and its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.synthesizer"),
        env={**os.environ, "GREENROOM_PORT": "0", "GREENROOM_DATA_DIR": str(folder)},
        stdout=PIPE,
    )
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        yield process, line.decode().split()[-1]
    finally:
        process.terminate()
        await process.wait()


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
