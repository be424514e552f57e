"""What Greenroom adds to the calls of a model: time, processor time and memory; and how it bears a bad provider.

Ours: a synthesizer in its own process rehearses conversations whose persona and agent are models of a provider, against
a local server that answers after a fixed time. The other way: a bare asyncio loop that makes the same calls with the
same SDK and keeps nothing. Each turn has two calls, one after the other, so the ideal time of a run is
2 x turns x the time of a call.

Where the synthesizer is killed, the other way is that of tools that keep no answers: a conversation that had not ended
starts at its first turn again, and repeats every call of it.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.conversations import new_procedure
from benchmarks.results import Result, gates, limited, report
from benchmarks.servers import Server, server
from benchmarks.ways.bare_calls import bare_calls
from greenroom.client import Client, connect
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from tests.durable.model_kills import IN_FLIGHT, kill, model_server, settings, start
from tests.durable.synthesizers import Store, postgres_store, sqlite_store, synthesizer
from tests.postgres import PostgresServer, postgres_programs
from tests.rehearsals import over

TOPIC = "models"
PROVIDERS = ("openai", "anthropic", "ollama")
LIVE = 1_000
"""Calls in flight at once where memory is measured."""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    work = gate["quick" if quick else "full"]
    rounds = work["rounds"]
    return report(
        TOPIC,
        [
            *[await _overhead(gate["calls_of_100_ms"], one, rounds, 50, 10, 0.1) for one in PROVIDERS],
            *[await _overhead(gate["calls_of_1_s"], one, rounds, 200, 10, 1.0) for one in work["providers_of_1_s"]],
            *[await _processor(gate["processor"], one, rounds, 50, work["turns_at_0_s"]) for one in PROVIDERS],
            await _memory(gate["memory"], work["rounds"]),
            *await _bad_providers(gate, **work["bad_provider"]),
            *await _kills(gate, work["kills"]),
        ],
    )


@dataclass(frozen=True)
class Stage:
    """A synthesizer, the provider and the server of its models, and a procedure."""

    provider: str
    client: Client
    synthesizer: Server
    models: Server
    procedure: str

    async def start(self, size: int, turns: int) -> str:
        """Start a batch of conversations of this many turns, all at once; return its name."""
        spec = batch_pb2.BatchSpec(
            conversation=conversation_pb2.ConversationSpec(
                procedure=self.procedure, max_turns=turns, seed=1, model=f"{self.provider}:stub"
            ),
            personas=[batch_pb2.PersonaShare(persona="personas/technical-tim")],
            size=size,
            max_in_flight=size,
        )
        spec.conversation.tool_config.default_answer.value.struct_value.update({"status": "ok"})
        batch = await self.client.batches.start(spec, create_only=True)
        await self.client.batches.run(batch.name)
        return batch.name

    async def play(self, size: int, turns: int, ideal: float = 0) -> float:
        """Seconds from the start of a batch to its end. ideal: the least that they can be."""
        began = time.perf_counter()
        batch = await self.start(size, turns)
        await asyncio.sleep(ideal)
        done = await self.over(batch, pause=ideal / 100 or 0.2)
        seconds = time.perf_counter() - began
        if done.counts.completed != size or done.turns != size * turns:
            raise RuntimeError(f"not the work that the claim is about: {done.counts}, {done.turns} turns")
        return seconds

    async def over(self, name: str, pause: float = 0.1) -> batch_pb2.Batch:
        """The batch, once it is over. pause: seconds between two looks; each costs the server some milliseconds."""
        while True:
            batch = await self.client.batches.get(name)
            if batch.state == batch_pb2.Batch.STATE_COMPLETED:
                return batch
            await asyncio.sleep(pause)

    async def in_flight(self, calls: int) -> None:
        """Wait until this many calls wait for their answer."""
        while True:
            if (await self.seen())["in_flight"] == calls:
                return
            await asyncio.sleep(0.05)

    async def seen(self) -> dict[str, Any]:
        """What the server of the models saw."""
        async with aiohttp.request("GET", f"http://{self.models.address}/seen") as answer:
            return dict(await answer.json())


@asynccontextmanager
async def _stage(
    seconds: float, throttled: float = 0, failed: float = 0, provider: str = "openai", **settings: object
) -> AsyncIterator[Stage]:
    """Models that answer after `seconds`, or not. settings: of the synthesizer."""
    with server("benchmarks.ways.model_server", str(seconds), str(throttled), str(failed)) as models:
        chosen = {
            f"{provider}_base_url": f"http://{models.address}{'/v1' if provider == 'openai' else ''}",
            f"{provider}_api_key": "stub",
            "max_in_flight": LIVE,
            **settings,
        }
        with server("services.synthesizer", settings=chosen) as synthesizer:
            async with connect(synthesizer.address) as client:
                stage = Stage(provider, client, synthesizer, models, await new_procedure(client))
                await stage.play(1, 1)  # imports the SDK
                yield stage


async def _overhead(row: Any, provider: str, rounds: int, size: int, turns: int, seconds: float) -> Result:
    """Wall time to the ideal."""
    ideal = 2 * turns * seconds
    ours, theirs = [], []
    async with _stage(seconds, provider=provider) as stage:
        for _ in range(rounds):
            theirs.append((await bare_calls(provider, stage.models.address, size, turns))[0] / ideal)
            ours.append(await stage.play(size, turns, ideal) / ideal)
    return limited(_of(provider, row), "x ideal", ours, beside=theirs)


async def _processor(row: Any, provider: str, rounds: int, size: int, turns: int) -> Result:
    """Processor time a turn in ms, above that of the bare loop."""
    ours, theirs = [], []
    async with _stage(0, provider=provider) as stage:
        for _ in range(rounds):
            theirs.append((await bare_calls(provider, stage.models.address, size, turns))[1] / (size * turns) * 1000)
            before = stage.synthesizer.processor_seconds()
            await stage.play(size, turns)
            used = stage.synthesizer.processor_seconds() - before
            ours.append(used / (size * turns) * 1000 - theirs[-1])
    return limited(_of(provider, row), "ms", ours, beside=theirs)


def _of(provider: str, row: Any) -> Any:
    return {**row, "claim": f"{provider}: {row['claim']}"}


async def _memory(row: Any, rounds: int) -> Result:
    """KB of resident memory a conversation, while LIVE of them wait for their models."""
    grown = []
    for _ in range(rounds):
        async with _stage(5) as stage:
            before = stage.synthesizer.resident_mb()
            batch = await stage.start(LIVE, 1)
            await stage.in_flight(LIVE)
            grown.append((stage.synthesizer.resident_mb() - before) / LIVE * 1000)
            await stage.over(batch)
    return limited(row, "KB", grown)


async def _bad_providers(gate: Any, size: int, turns: int, requests_per_minute: int) -> list[Result]:
    """Conversations that did not complete, and requests in the busiest minute above those that were granted."""

    async def rehearse(throttled: float, failed: float) -> tuple[int, int]:
        async with _stage(0.1, throttled, failed, openai_requests_per_minute=requests_per_minute) as stage:
            done = await stage.over(await stage.start(size, turns))
            return size - done.counts.completed, (await stage.seen())["busiest_minute"] - requests_per_minute

    throttled, failing = await asyncio.gather(rehearse(0.5, 0), rehearse(0, 0.2))
    return [
        limited(gate["throttled"], "", [throttled[0]]),
        limited(gate["failing"], "", [failing[0]]),
        limited(gate["told_rate"], "", [max(throttled[1], failing[1])]),
    ]


async def _kills(gate: Any, times: int) -> list[Result]:
    """The most calls that were repeated after one SIGKILL, beside the calls of all unfinished conversations."""
    with tempfile.TemporaryDirectory() as folder:
        results = [await _killed(gate["kills_sqlite"], times, sqlite_store(Path(folder)), Path(folder))]
    if (programs := postgres_programs()) is None:
        return results
    postgres = PostgresServer(programs)
    postgres.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            store = postgres_store(postgres.create_database())
            return [*results, await _killed(gate["kills_postgresql"], times, store, Path(folder))]
    finally:
        postgres.stop("immediate")
        postgres.remove()


async def _killed(row: Any, times: int, store: Store, folder: Path) -> Result:
    async with model_server() as server:
        batch = await start(store, server, folder, 10 * times, IN_FLIGHT)
        cost = await kill(times, store, batch, server)
        async with synthesizer(store, **settings(server)) as (_, client):
            before = server.repeated
            done = await over(client, batch)
            await server.read()
        if done.counts.completed != 10 * times:
            raise RuntimeError(f"not the work that the claim is about: {done.counts}")
        # What a life repeats was in flight when the life before it was killed, so the first repeats nothing.
        repeated = [*cost.repeated[1:], server.repeated - before]
        return limited(
            row, "", [max(repeated)], [max(cost.unfinished)], {"repeated": repeated, "unfinished": cost.unfinished}
        )
