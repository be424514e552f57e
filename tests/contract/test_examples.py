"""The examples that the README shows, run as a reader runs them."""

import asyncio
import os
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from cli.kit import specs
from cli.kit.agents import Targets, set_agent
from greenroom.synthesizer.v1 import batch_pb2
from tests.contract.example_agents import AGENT, own_agent
from tests.rehearsals import over
from tests.suite import EXAMPLES, Suite, suite

ROOT = EXAMPLES.parent
WATCH = ROOT / "watch.py"


@pytest.fixture(scope="module")
async def greenroom(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with suite("sqlite", tmp_path_factory.mktemp("data")) as greenroom:
        await greenroom.client.procedures.import_file(EXAMPLES / "procedures.jsonl")
        await greenroom.client.sources.import_file(EXAMPLES / "sources.jsonl")
        yield greenroom


def own_spec(address: str) -> batch_pb2.BatchSpec:
    """The example's spec, with its agent at address."""
    spec = specs.read(AGENT.with_name("batch.yaml"), batch_pb2.BatchSpec())
    spec.conversation.agent.grpc.address = address
    return spec


async def test_a_retry_reaches_an_agent_that_was_down(greenroom: Suite) -> None:
    async with own_agent() as address:
        pass  # the next agent needs its port
    spec = own_spec(address)
    spec.size = 3

    batch = await greenroom.client.batches.start(spec)
    away = await over(greenroom.client, batch.name)
    async with own_agent(int(address.rpartition(":")[2])):
        await greenroom.client.batches.retry(batch.name)
        ended = await over(greenroom.client, batch.name)

    assert (away.counts.failed, ended.counts.completed) == (3, 3)


async def test_the_built_in_agent_tells_the_steps_that_it_came_through(greenroom: Suite) -> None:
    spec = specs.read(EXAMPLES / "batch.yaml", batch_pb2.BatchSpec())
    spec.size = 3
    batch = await over(greenroom.client, (await greenroom.client.batches.start(spec)).name)

    async for row in greenroom.client.batches.results(batch.name):
        revision = (await greenroom.client.procedures.get(row.procedure, revision=row.revision)).revision
        index = {step.id: number for number, step in enumerate(revision.steps)}
        told = [event async for event in greenroom.client.conversations.events(row.conversation) if event.steps]
        path = [step for event in told for step in event.steps]
        assert path[0] == 0
        for before, after in pairwise(path):
            branch = revision.steps[before].branch
            assert after in (before + 1, index.get(branch.then), index.get(branch.otherwise))
        for event in told:
            if event.HasField("tool_call"):
                assert revision.steps[event.steps[-1]].call.tool == event.tool_call.tool


async def test_an_own_agent_is_rehearsed(greenroom: Suite) -> None:
    async with own_agent() as address:
        spec = own_spec(address)
        batch = await greenroom.client.batches.start(spec)
        ended = await over(greenroom.client, batch.name)

    assert (ended.counts.completed, ended.counts.failed) == (spec.size, 0)
    reasons = [result.reason async for result in greenroom.client.batches.results(batch.name)]
    assert reasons.count("AGENT_ENDED") >= spec.size // 2


async def test_a_bot_that_speaks_chat_completions_is_rehearsed(greenroom: Suite) -> None:
    async with own_agent(program=ROOT / "agents" / "openai_bot.py") as address:
        spec = specs.read(AGENT.with_name("batch.yaml"), batch_pb2.BatchSpec())
        set_agent(spec.conversation.agent, f"openai:http://{address}/v1")
        batch = await greenroom.client.batches.start(spec)
        ended = await over(greenroom.client, batch.name)

    assert (ended.counts.completed, ended.counts.failed) == (spec.size, 0)
    first = await anext(greenroom.client.batches.results(batch.name))
    events = [event async for event in greenroom.client.conversations.events(first.conversation)]
    assert any(event.HasField("tool_result") for event in events if not event.copied)


async def test_a_customer_of_the_users_own_talks_to_the_bot(greenroom: Suite) -> None:
    async with (
        own_agent(program=ROOT / "agents" / "openai_bot.py") as bot,
        own_agent(program=ROOT / "agents" / "customer.py") as customer,
    ):
        spec = specs.read(AGENT.with_name("batch.yaml"), batch_pb2.BatchSpec())
        Targets(f"openai:http://{bot}/v1", f"http:http://{customer}/act").set(spec.conversation)
        batch = await greenroom.client.batches.start(spec)
        ended = await over(greenroom.client, batch.name)
        without_sources = batch_pb2.BatchSpec(conversation=spec.conversation, size=1)
        opened = await over(greenroom.client, (await greenroom.client.batches.start(without_sources)).name)

    assert (ended.counts.completed, ended.usage.model_calls) == (spec.size, 0)
    assert (opened.counts.completed, opened.turns) == (1, 2)
    rows = [row async for row in greenroom.client.batches.results(batch.name)]
    assert [row.reason for row in rows].count("USER_LEFT") >= spec.size // 2
    events = [event async for event in greenroom.client.conversations.events(rows[0].conversation)]
    assert any(event.HasField("thoughts") for event in events)


@pytest.mark.parametrize("program", ["grpc_agent.py", "openai_bot.py", "customer.py"])
def test_an_agent_whose_port_is_taken_says_so(program: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run((sys.executable, ROOT / "agents" / program, port), capture_output=True, timeout=60)

    sentence = f"Cannot listen on port {port}; give a free one as the argument."
    assert (ended.returncode, ended.stderr.decode().splitlines()[-1]) == (1, sentence)


async def test_the_client_example_shows_each_turn_and_how_it_ended(greenroom: Suite, tmp_path: Path) -> None:
    spec = specs.read(EXAMPLES / "batch.yaml", batch_pb2.BatchSpec())
    spec.size = 5
    batch = await greenroom.client.batches.start(spec)

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, WATCH, batch.name), stdout=PIPE, env=os.environ | {"GREENROOM_ADDRESS": greenroom.address}
    )
    said, _ = await process.communicate()

    *turns, last = said.decode().splitlines()
    assert process.returncode == 0
    assert last == "5 completed, 0 failed"
    assert len(turns) == (await greenroom.client.batches.get(batch.name)).turns
