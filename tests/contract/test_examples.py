"""The examples that the README shows, run as a reader runs them."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli import specs
from greenroom.synthesizer.v1 import batch_pb2
from tests.rehearsals import over
from tests.suite import EXAMPLES, Suite, suite

ROOT = EXAMPLES.parent
AGENT, WATCH = ROOT / "own_agent" / "agent.py", ROOT / "watch.py"


@pytest.fixture(scope="module")
async def greenroom(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with suite("sqlite", tmp_path_factory.mktemp("data")) as greenroom:
        await greenroom.client.procedures.import_file(EXAMPLES / "procedures.jsonl")
        await greenroom.client.sources.import_file(EXAMPLES / "sources.jsonl")
        yield greenroom


@pytest.fixture
async def agent() -> AsyncIterator[str]:
    """The address of the example's agent, in a process of its own on a free port."""
    process = await asyncio.create_subprocess_exec(sys.executable, AGENT, "0", stdout=PIPE)
    assert process.stdout is not None
    found = re.search(r"listens on (\S+)", (await process.stdout.readline()).decode())
    assert found is not None
    yield found[1]
    process.terminate()
    await process.wait()


async def test_an_agent_of_ones_own_is_rehearsed(greenroom: Suite, agent: str) -> None:
    spec = specs.read(AGENT.with_name("batch.yaml"), batch_pb2.BatchSpec())
    spec.conversation.agent.grpc.address = agent

    batch = await greenroom.client.batches.start(spec)
    ended = await over(greenroom.client, batch.name)

    assert (ended.counts.completed, ended.counts.failed) == (spec.size, 0)
    reasons = [result.reason async for result in greenroom.client.batches.results(batch.name)]
    assert reasons.count("AGENT_ENDED") >= spec.size // 2


async def test_the_client_example_shows_each_turn_and_how_it_ended(greenroom: Suite, tmp_path: Path) -> None:
    spec = specs.read(EXAMPLES / "batch.yaml", batch_pb2.BatchSpec())
    spec.size = 5
    batch = await greenroom.client.batches.start(spec)
    program = WATCH.read_text().replace("127.0.0.1:9000", greenroom.address)

    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, batch.name, stdout=PIPE)
    said, _ = await process.communicate()

    *turns, last = said.decode().splitlines()
    assert process.returncode == 0
    assert last == "5 completed, 0 failed"
    assert len(turns) == (await greenroom.client.batches.get(batch.name)).turns
