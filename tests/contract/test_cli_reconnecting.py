"""Watching goes on after its server died: it says that it tries again, and misses nothing."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from greenroom.agent.v1 import agent_pb2, agent_pb2_grpc
from greenroom.client import Backoff
from greenroom.client._batches import Batches
from greenroom.client._calls import Calls
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from greenroom.synthesizer.v1.batch_pb2_grpc import add_BatchServiceServicer_to_server
from greenroom.synthesizer.v1.conversation_pb2_grpc import add_ConversationServiceServicer_to_server
from greenroom.testdata.v1 import trace_dataset_pb2, trace_learning_pb2
from greenroom.testdata.v1.trace_dataset_pb2_grpc import add_TraceDatasetServiceServicer_to_server
from greenroom.testdata.v1.trace_learning_pb2_grpc import add_TraceLearningServiceServicer_to_server
from tests.contract.client_fakes import Adder, Context, Partial, serving
from tests.contract.houses import House, finished, spawn
from tests.contract.screens import on_terminal

ID = "0193507a-1f2e-7c3d-8e4f-5a6b7c8d9e0f"


@dataclass
class Noun:
    """Long work that can be watched. command: of its watch. module, name: of its messages."""

    command: tuple[str, ...]
    add: Adder
    module: Any
    name: str
    cursors: list[str] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def resource(self) -> Any:
        kind = getattr(self.module, self.name)
        return kind(name=f"{self.command[-1]}/{ID}", state=kind.STATE_COMPLETED)

    def servicer(self, goes_on: bool) -> Partial:
        """A servicer whose watch sends one message and waits for ever, or for `go` and then ends."""

        async def get(request: Any, context: Context) -> Any:
            response = getattr(self.module, f"Get{self.name}Response")()
            getattr(response, self.name.lower()).CopyFrom(self.resource)
            return response

        async def watch(request: Any, context: Context) -> AsyncIterator[Any]:
            self.cursors.append(request.cursor)
            response = getattr(self.module, f"Watch{self.name}Response")
            yield response(cursor="one")
            self.begun.set()
            await (self.go if goes_on else asyncio.Event()).wait()
            yield response(cursor="two", summary=self.resource)

        servicer = Partial()
        setattr(servicer, f"Get{self.name}", get)
        setattr(servicer, f"Watch{self.name}", watch)
        return servicer


NOUNS: dict[str, tuple[tuple[str, ...], Adder, Any, str]] = {
    "batch": (("batches",), add_BatchServiceServicer_to_server, batch_pb2, "Batch"),
    "conversation": (("conversations",), add_ConversationServiceServicer_to_server, conversation_pb2, "Conversation"),
    "dataset": (("traces", "datasets"), add_TraceDatasetServiceServicer_to_server, trace_dataset_pb2, "Dataset"),
    "learning": (("traces", "learnings"), add_TraceLearningServiceServicer_to_server, trace_learning_pb2, "Learning"),
}


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["lines", "json"])
@pytest.mark.parametrize("name", NOUNS)
async def test_a_watch_in_a_pipe_says_that_it_lost_its_server_and_found_it_again(
    name: str, options: tuple[str, ...]
) -> None:
    noun = Noun(*NOUNS[name])
    async with serving((noun.add, noun.servicer(goes_on=False))) as address:
        process = await spawn(*noun.command, "watch", ID, *options, GREENROOM_ADDRESS=address)
        await noun.begun.wait()
    assert process.stderr is not None
    lost = await process.stderr.readline()
    async with serving((noun.add, noun.servicer(goes_on=True)), port=int(address.rpartition(":")[2])):
        found = await process.stderr.readline()
        noun.go.set()
        outcome = await finished(process)

    assert (lost, found) == (b"Connection lost, trying again.\n", b"Connected again.\n")
    assert (outcome.status, outcome.err) == (0, "")
    assert noun.cursors == ["", "one"]


@dataclass
class Exporting(Partial):
    """Exports a line and waits for ever; or exports `rest` and ends."""

    rest: bytes | None
    cursors: list[str]
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def ExportTranscripts(  # noqa: N802
        self,
        request: batch_pb2.ExportTranscriptsRequest,
        context: Context,  # noqa: ARG002
    ) -> AsyncIterator[batch_pb2.ExportTranscriptsResponse]:
        self.cursors.append(request.cursor)
        if self.rest is not None:
            yield batch_pb2.ExportTranscriptsResponse(chunk=self.rest, cursor="two")
            return
        yield batch_pb2.ExportTranscriptsResponse(chunk=b"1\n", cursor="one")
        self.begun.set()
        await asyncio.Event().wait()


async def test_an_export_whose_server_died_says_so_and_goes_on_when_it_is_back() -> None:
    cursors: list[str] = []
    dying, back = Exporting(None, cursors), Exporting(b"2\n", cursors)
    async with serving((add_BatchServiceServicer_to_server, dying)) as address:
        process = await spawn("batches", "export", ID, GREENROOM_ADDRESS=address)
        await dying.begun.wait()
    assert process.stderr is not None
    assert await process.stderr.readline() == b"Connection lost, trying again.\n"
    async with serving((add_BatchServiceServicer_to_server, back), port=int(address.rpartition(":")[2])):
        outcome = await finished(process)

    assert (outcome.status, outcome.out) == (0, "1\n2\n")
    assert cursors == ["", "one"]


async def test_a_watch_whose_server_is_silent_for_two_heartbeats_reconnects() -> None:
    noun = Noun(*NOUNS["batch"])
    async with (
        serving((noun.add, noun.servicer(goes_on=False))) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        backoff = Backoff(attempts=9, maximum=0)
        watch = Batches(Calls(channel, None, 30, backoff, backoff, silence=2)).watch(noun.resource.name)
        reading = asyncio.create_task(anext(watch))
        while len(noun.cursors) < 2:
            await asyncio.wait({reading}, timeout=0.01)
        reading.cancel()
        await asyncio.wait({reading})
    assert noun.cursors[:2] == ["", "one"]


@dataclass
class Slow(agent_pb2_grpc.AgentServiceServicer):
    """An agent that answers its first message, and the others after `go`."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def Act(self, request: agent_pb2.ActRequest, context: Any) -> agent_pb2.ActResponse:  # noqa: ARG002, N802
        if not any(event.HasField("agent_message") for event in request.events):
            return agent_pb2.ActResponse(say=agent_pb2.Say(text="What is your order number?"))
        self.asked.set()
        await self.go.wait()
        return agent_pb2.ActResponse(end=agent_pb2.End(text="Goodbye."))


@asynccontextmanager
async def up(folder: Path, port: int = 0) -> AsyncIterator[tuple[asyncio.subprocess.Process, House]]:
    """`greenroom up`, killed at the end of the block."""
    process = await spawn("up", "--port", str(port), "--data-dir", str(folder))
    assert process.stdout is not None
    said = (await process.stdout.readline()).decode()
    try:
        yield process, House(said.split()[3], folder)
    finally:
        process.kill()
        await process.wait()


async def test_a_batch_on_a_terminal_goes_on_when_its_killed_server_is_back(tmp_path: Path) -> None:
    agent = Slow()
    spec = tmp_path / "spec.yaml"
    spec.write_text("{size: 2, conversation: {max_turns: 4}}")
    async with serving((agent_pb2_grpc.add_AgentServiceServicer_to_server, agent)) as target:
        async with up(tmp_path / "data") as (_, house):
            started = on_terminal("batches", "start", str(spec), "--agent", target, GREENROOM_ADDRESS=house.address)
            process, screen = await started.__aenter__()
            await asyncio.wait_for(agent.asked.wait(), 60)
            await screen.shows("2 running")
        await screen.shows("2 running · connection lost, trying again")
        async with up(tmp_path / "data", int(house.address.rpartition(":")[2])):
            agent.go.set()
            await screen.shows("2 completed, 0 failed")
            assert await process.wait() == 0
        await started.__aexit__(None, None, None)


async def test_ctrl_c_ends_a_watch_without_connection_at_once() -> None:
    noun = Noun(*NOUNS["batch"])
    async with serving((noun.add, noun.servicer(goes_on=False))) as address:
        process = await spawn(*noun.command, "watch", ID, GREENROOM_ADDRESS=address)
        await noun.begun.wait()
    assert process.stderr is not None
    assert await process.stderr.readline() == b"Connection lost, trying again.\n"
    process.send_signal(signal.SIGINT)
    outcome = await finished(process)
    assert outcome.status == 130
    assert outcome.err.splitlines()[-1] == f"  greenroom batches cancel {noun.resource.name}"
