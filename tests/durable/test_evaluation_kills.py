"""After SIGKILL an evaluation completes with the same results, each of which is stored once."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL

import pytest

from cli.kit import specs
from greenroom.client import Client, connect
from greenroom.evaluator.v1.evaluation_pb2 import Evaluation, EvaluationResult, EvaluationSpec
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from tests.postgres import PostgresServer
from tests.processes import PATIENCE, Service, service
from tests.rehearsals import over
from tests.suite import EXAMPLES, suite

SIZE = 60


@asynccontextmanager
async def evaluator(settings: Mapping[str, str], **environment: str) -> AsyncIterator[tuple[Service, Client]]:
    """An evaluator as a process, and a client that is connected to it."""
    async with (
        service("tests.durable.killable_evaluator", {**settings, **environment}) as process,
        connect(process.address, timeout=PATIENCE) as client,
    ):
        yield process, client


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Mapping[str, str]:
    """The settings of an evaluator, once with its store on SQLite and once on PostgreSQL."""
    data = {"GREENROOM_DATA_DIR": str(tmp_path / "killed"), "GREENROOM_COMPUTE_WORKERS": "1"}
    if request.param == "sqlite":
        return data
    server: PostgresServer = request.getfixturevalue("postgres")
    return {**data, "GREENROOM_DATABASE_URL": server.create_database()}


async def ended_batch(client: Client) -> str:
    """A batch over the sources of the example, once it is over."""
    await client.procedures.import_file(EXAMPLES / "procedures.jsonl")
    await client.sources.import_file(EXAMPLES / "sources.jsonl")
    spec = specs.read(EXAMPLES / "batch.yaml", BatchSpec())
    spec.size = SIZE
    started = await client.batches.start(spec)
    await over(client, started.name)
    return started.name


async def watched(client: Client, name: str) -> list[EvaluationResult]:
    """Every result that a watch from the beginning shows, once the evaluation is over."""
    async with client.evaluations.watch(name) as results:
        found = [one async for one in results]
    assert results.summary is not None
    assert results.summary.state == Evaluation.STATE_COMPLETED, results.summary.detail
    return found


async def test_an_evaluation_whose_server_is_killed_three_times_has_the_same_results(
    settings: Mapping[str, str], tmp_path: Path
) -> None:
    async with suite("sqlite", tmp_path, others={"evaluator": "sqlite"}) as greenroom:
        spec = EvaluationSpec(batch=await ended_batch(greenroom.client))
        undisturbed = await watched(greenroom.client, (await greenroom.client.evaluations.start(spec)).name)
        there = {**settings, "GREENROOM_SYNTHESIZER_ADDRESS": greenroom.address}

        # The first kill comes when the work has begun, the others after results were stored.
        async with evaluator(there, KILL_AT="1") as (process, client):
            started = await client.evaluations.start(spec)
            assert await process.died() == -SIGKILL
        for _ in range(2):
            async with evaluator(there, KILL_AT="1") as (process, _client):
                assert await process.died() == -SIGKILL
        async with evaluator(there) as (_, client):
            found = await watched(client, started.name)

    assert len(found) == SIZE
    assert sorted(found, key=lambda one: one.index) == sorted(undisturbed, key=lambda one: one.index)
