"""Whether programs that users write can hold up a server.

Ours: a synthesizer in its own process plays procedures drawn at random, as many of each kind, while this process checks
its health every 5 ms. For comparison: the health of the same server while idle. The share of programs that a limit
stops shows that they are hostile.
"""

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random
from threading import Event

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.results import gates, limited, reached, report
from benchmarks.servers import server
from benchmarks.ways.hostile_programs import KINDS, LARGE, program
from greenroom.client import Client, GreenroomError, connect
from greenroom.synthesizer.v1 import conversation_pb2 as pb

TOPIC = "hostile"
PAUSE = 0.005
"""Seconds between a health answer and the next health check."""
LIMITS = frozenset(["STEP_TOO_MUCH_WORK", "STEP_UNUSABLE", "TOOL_CONFIG_INVALID", "AGENT_SAID_TOO_MUCH"])
"""Why a hostile program may fail or be refused; one that needs little work is played to its end."""

Ends = Mapping[str, Counter[str]]
"""How many programs of each kind ended with which reason."""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    count = gate["quick" if quick else "full"]["programs"]
    ends: Ends = {kind: Counter() for kind in KINDS}
    with server("services.synthesizer") as process, tempfile.TemporaryDirectory() as folder:
        async with connect(process.address) as client:
            idle = await slowest_health(process.address, asyncio.sleep(1))
            slowest = await slowest_health(process.address, _play(client, Path(folder), count // len(KINDS), ends))
    for kind, ended in ends.items():
        print(f"{kind}: " + ", ".join(f"{number:,} {reason}" for reason, number in ended.most_common()))
    stopped = [sum(ended[reason] for reason in LIMITS) / ended.total() for ended in ends.values()]
    unexplained = sum(ended.total() - ended["COMPLETED"] for ended in ends.values()) - sum(
        ended[reason] for ended in ends.values() for reason in LIMITS
    )
    return report(
        TOPIC,
        [
            limited(gate["health"], "ms", [slowest], beside=[idle]),
            limited(gate["explained"], "", [unexplained]),
            reached(gate["stopped"], "", [min(stopped)]),
        ],
    )


async def _play(client: Client, folder: Path, count: int, ends: Ends) -> None:
    """Save `count` programs of each kind, play them, and note how each of them ended."""
    random = Random(10)
    programs = [program(random, kind) for _ in range(count) for kind in KINDS]
    path = folder / "procedures.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in programs))
    summary = await client.procedures.import_file(path)
    assert not summary.refused, summary
    started = []
    async for procedure in client.procedures.list():
        ended = ends[procedure.external_id.partition("-")[0]]
        try:
            started.append((ended, await client.conversations.start(spec(procedure.name))))
        except GreenroomError as refused:
            ended[refused.reason] += 1
    for ended, conversation in started:
        ended[await ending(client, conversation.name)] += 1


def spec(procedure: str) -> pb.ConversationSpec:
    """A short conversation whose tool returns LARGE."""
    made = pb.ConversationSpec(procedure=procedure, persona="personas/cold-carl", seed=1, max_turns=3)
    made.tool_config.default_answer.value.struct_value.update(LARGE)
    return made


async def ending(client: Client, name: str) -> str:
    """COMPLETED, or the reason why the conversation ended otherwise, once it has ended."""
    async with client.conversations.watch(name) as events:
        async for _ in events:
            pass
    conversation = await client.conversations.get(name)
    completed = conversation.state == pb.Conversation.STATE_COMPLETED
    return "COMPLETED" if completed else conversation.ended.reason


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
