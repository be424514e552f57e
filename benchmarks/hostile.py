"""Whether programs that users write can hold up a server.

Ours: a synthesizer in its own process plays procedures drawn at random, each with one hostile step, while this process
checks its health every 5 ms. For comparison: the health of the same server while idle.
"""

import asyncio
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from threading import Event

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.results import gates, limited, report
from benchmarks.servers import server
from benchmarks.ways.hostile_programs import LARGE, program
from greenroom.client import Client, connect
from greenroom.synthesizer.v1 import conversation_pb2 as pb

TOPIC = "hostile"
PAUSE = 0.005
"""Seconds between a health answer and the next health check."""
REASONS = frozenset(["STEP_TOO_MUCH_WORK", "STEP_UNUSABLE"])
"""Why a hostile step may fail. If the step needs little work, it is played and the conversation completes."""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    count = gate["quick" if quick else "full"]["programs"]
    with server("services.synthesizer") as process, tempfile.TemporaryDirectory() as folder:
        async with connect(process.address) as client:
            idle = await slowest_health(process.address, asyncio.sleep(1))
            ended: Counter[str] = Counter()
            slowest = await slowest_health(process.address, _play(client, Path(folder), count, ended))
    unexplained = sum(number for reason, number in ended.items() if reason not in {*REASONS, "COMPLETED", "REFUSED"})
    print(", ".join(f"{number:,} {reason}" for reason, number in ended.most_common()))
    return report(
        TOPIC, [limited(gate["health"], "ms", [slowest], beside=[idle]), limited(gate["explained"], "", [unexplained])]
    )


async def _play(client: Client, folder: Path, count: int, ended: Counter[str]) -> None:
    """Save the programs, play the accepted ones, and count how each of them ended."""
    random = Random(10)
    programs = [program(random) for _ in range(count)]
    path = folder / "procedures.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in programs))
    summary = await client.procedures.import_file(path)
    ended["REFUSED"] = summary.refused
    started = []
    async for procedure in client.procedures.list():
        spec = pb.ConversationSpec(procedure=procedure.name, persona="personas/cold-carl", seed=1, max_turns=3)
        spec.tool_config.default_answer.value.struct_value.update(LARGE)
        started.append((await client.conversations.start(spec)).name)
    for name in started:
        async with client.conversations.watch(name) as events:
            async for _ in events:
                pass
        conversation = await client.conversations.get(name)
        over = pb.Conversation.State.Name(conversation.state).removeprefix("STATE_")
        ended[over if over == "COMPLETED" else conversation.ended.reason] += 1


async def slowest_health(address: str, meanwhile: object) -> float:
    """The slowest health answer in ms until `meanwhile` is done."""
    done = Event()

    def ask() -> float:
        slowest = 0.0
        with grpc.insecure_channel(address) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            check(health_pb2.HealthCheckRequest())
            while not done.wait(PAUSE):
                asked = time.perf_counter()
                check(health_pb2.HealthCheckRequest(), timeout=60)
                slowest = max(slowest, time.perf_counter() - asked)
        return 1_000 * slowest

    asking = asyncio.create_task(asyncio.to_thread(ask))
    try:
        await meanwhile  # type: ignore[misc]
    finally:
        done.set()
    return await asking
