"""The examples that the README shows, run as a reader runs them."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


@asynccontextmanager
async def own_agent(port: int = 0) -> AsyncIterator[str]:
    """The address of the example's agent, in a process of its own; on a free port when 0."""
    process = await asyncio.create_subprocess_exec(sys.executable, AGENT, str(port), stdout=PIPE)
    assert process.stdout is not None
    found = re.search(r"listens on (\S+)", (await process.stdout.readline()).decode())
    assert found is not None
    yield found[1]
    process.terminate()
    await process.wait()


def own_spec(address: str) -> batch_pb2.BatchSpec:
    """The example's spec, with its agent at address."""
    spec = specs.read(AGENT.with_name("batch.yaml"), batch_pb2.BatchSpec())
    spec.conversation.agent.grpc.address = address
    return spec


async def test_an_agent_that_was_away_is_found_by_a_retry(greenroom: Suite) -> None:
    async with own_agent() as address:
        pass  # Its port is free again.
    spec = own_spec(address)
    spec.size = 3

    batch = await greenroom.client.batches.start(spec)
    away = await over(greenroom.client, batch.name)
    async with own_agent(int(address.rpartition(":")[2])):
        await greenroom.client.batches.retry(batch.name)
        ended = await over(greenroom.client, batch.name)

    assert (away.counts.failed, ended.counts.completed) == (3, 3)


async def test_an_agent_of_ones_own_is_rehearsed(greenroom: Suite) -> None:
    async with own_agent() as address:
        spec = own_spec(address)
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
