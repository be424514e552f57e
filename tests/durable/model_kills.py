"""A batch whose models are a server, and whose synthesizer is killed again and again; tests and a benchmark use it."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from signal import SIGKILL

import aiohttp

from greenroom.synthesizer.v1 import batch_pb2
from shared.model.events import Ended, unpack
from tests.durable.synthesizers import Store, kill_after, synthesizer
from tests.processes import service
from tests.rehearsals import batch_spec, feed, import_rehearsal

IN_FLIGHT = 8
LAST = {"record": 12, "event": 12}
"""The latest moment of each kind: a recording is on disk but its answer unused, and after a watched event."""


@dataclass
class ModelServer:
    """The stub of models. asked: the body of every request, whatever became of it."""

    address: str
    asked: list[str] = field(default_factory=list)

    async def read(self) -> None:
        """Take over what was asked since the last call."""
        async with aiohttp.ClientSession() as http, http.get(f"http://{self.address}/asked") as response:
            self.asked += [str(one["body"]) for one in await response.json()]

    @property
    def repeated(self) -> int:
        """How many requests equal an earlier one; each event has a seed of its own."""
        return len(self.asked) - len(set(self.asked))


@asynccontextmanager
async def model_server() -> AsyncIterator[ModelServer]:
    """The stub in a process of its own."""
    async with service("tests.model_stub", {}) as stub:
        yield ModelServer(stub.address)


def settings(server: ModelServer) -> dict[str, str]:
    """The settings with which a synthesizer finds the server; without the governor, which keeps to its told limits."""
    return {
        "GREENROOM_OPENAI_BASE_URL": f"http://{server.address}/v1",
        "GREENROOM_OPENAI_API_KEY": "none",
        "GREENROOM_MODEL_AROUND": "retry,meter",
    }


def spec(size: int, max_in_flight: int) -> batch_pb2.BatchSpec:
    """A batch of short conversations whose agent is the server's model, which takes 20 ms."""
    made = batch_spec(size)
    made.conversation.max_turns = 4
    made.conversation.agent_model, made.max_in_flight = "openai:text@0.02", max_in_flight
    return made


async def start(store: Store, server: ModelServer, folder: Path, size: int, max_in_flight: int) -> str:
    """Start a batch of which no conversation gets an answer yet, and return its name. folder: for a temporary file."""
    async with synthesizer(store, **settings(server), HANG_AT="model:1") as (_, client):
        await import_rehearsal(client, folder)
        return (await client.batches.start(spec(size, max_in_flight))).name


async def live_until(moment: str, store: Store, batch: str, server: ModelServer) -> None:
    """Let a synthesizer run the batch until it is killed at the moment."""
    where, _, count = moment.partition(":")
    accident = {"KILL_AT": moment} if where == "record" else {}
    async with synthesizer(store, **settings(server), **accident) as (process, client):
        if where == "event":
            await kill_after(int(count), process, client, store, batch)
        assert await process.died() == -SIGKILL


@dataclass(frozen=True)
class Kills:
    """What some kills cost. repeated: the calls that were repeated after each, none of them more than once.

    unfinished: the calls that were answered, at each kill, in conversations that had not ended; a tool that starts such
    conversations at their first turn again repeats them all.
    """

    repeated: Sequence[int]
    unfinished: Sequence[int]


async def kill(times: int, store: Store, batch: str, server: ModelServer) -> Kills:
    """Kill the batch's synthesizer this often, at moments drawn from a seed."""
    draw = random.Random(5)
    repeated, unfinished = [], []
    for where, last in islice(cycle(LAST.items()), times):
        before = server.repeated
        await live_until(f"{where}:{draw.randint(1, last)}", store, batch, server)
        await server.read()
        repeated.append(server.repeated - before)
        unfinished.append(await _unfinished_calls(store, batch))
    return Kills(repeated, unfinished)


async def _unfinished_calls(store: Store, batch: str) -> int:
    calls, over = Counter[str](), set[str]()
    for stored in await feed(store.url, batch):
        event = unpack(stored.payload)
        calls[stored.stream] += event.usage.model_calls if event.usage else 0
        if isinstance(event.body, Ended):
            over.add(stored.stream)
    return sum(count for stream, count in calls.items() if stream not in over)
