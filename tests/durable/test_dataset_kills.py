"""After SIGKILL or a full disk, a dataset completes with the same bytes as an undisturbed one."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL

import pytest

from greenroom.client import Client, connect
from greenroom.testdata.v1.trace_learning_pb2 import Learning, LearningSpec
from tests.datasets import State, files, names_in, over, short_spec, written
from tests.disks import full, small_disk
from tests.learnings import EVENT_LOG
from tests.learnings import over as learned
from tests.postgres import PostgresServer
from tests.processes import PATIENCE, Service, service
from tests.suite import testdata_suite as serving

PARTS = 4
SPEC = short_spec(PARTS * 2**20 - 1_000)


@asynccontextmanager
async def server(settings: Mapping[str, str], **environment: str) -> AsyncIterator[tuple[Service, Client]]:
    """A test data service as a process, and a client that is connected to it."""
    async with (
        service("tests.durable.killable_testdata", {**settings, **environment}) as process,
        connect(process.address, timeout=PATIENCE) as client,
    ):
        yield process, client


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Mapping[str, str]:
    """The settings of a service, once with its store on SQLite and once on PostgreSQL."""
    data = {"GREENROOM_DATA_DIR": str(tmp_path / "data")}
    if request.param == "sqlite":
        return data
    server: PostgresServer = request.getfixturevalue("postgres")
    return {**data, "GREENROOM_DATABASE_URL": server.create_database()}


async def begun(folder: Path, index: int) -> None:
    """Wait until a part is half written."""
    await begun_with(folder, f".part-{index:05}")


async def begun_with(folder: Path, beginning: str) -> None:
    """Wait until a file is there whose name begins so."""
    async with asyncio.timeout(120):
        while not any(name.startswith(beginning) for name in await asyncio.to_thread(_names, folder)):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def _names(folder: Path) -> list[str]:
    return names_in(folder) if folder.exists() else []


async def test_a_dataset_whose_server_is_killed_three_times_is_the_same_in_every_byte(
    settings: Mapping[str, str],
) -> None:
    async with server(settings) as (process, client):
        undisturbed = await written(client, SPEC)
        started = await client.traces.datasets.start(SPEC)
        folder = Path(started.location)
        await begun(folder, 1)
        process.kill()
        assert await process.died() == -SIGKILL

    # The log has one part. At the next kills, the third part and the manifest are written but not in the log yet.
    async with server(settings, KILL_AT="2") as (process, _):
        assert await process.died() == -SIGKILL
    assert "part-00002.parquet" in names_in(folder)
    async with server(settings, KILL_AT="3") as (process, _):
        assert await process.died() == -SIGKILL
    assert "manifest.json" in names_in(folder)

    async with server(settings) as (_, client):
        async with client.traces.datasets.watch(started.name) as watch:
            assert [part.index async for part in watch] == list(range(PARTS))
        done = await over(client, started.name)

    assert done.state == State.STATE_COMPLETED
    assert files(done) == files(undisturbed)
    same = ("call_count", "byte_count", "sessions_done", "parts_done", "workflow_digest", "algorithm")
    assert [getattr(done, name) for name in same] == [getattr(undisturbed, name) for name in same]


async def test_a_dataset_that_takes_the_server_down_twice_fails_and_is_not_resumed_for_ever(
    settings: Mapping[str, str],
) -> None:
    async with server(settings) as (process, client):
        started = await client.traces.datasets.start(SPEC)
        await begun(Path(started.location), 1)
        process.kill()
        assert await process.died() == -SIGKILL
    async with server(settings, KILL_AT="1") as (process, _):
        assert await process.died() == -SIGKILL

    async with server(settings) as (_, client):
        failed = await over(client, started.name)
        assert (failed.state, failed.reason) == (State.STATE_FAILED, "JOB_TOOK_SERVER_DOWN")
        assert failed.detail.startswith(f"The server ended 2 times in a row while {started.name} ran")
        await client.traces.datasets.retry(started.name)
        assert (await over(client, started.name)).state == State.STATE_COMPLETED


async def test_a_learning_that_takes_the_server_down_twice_fails_and_is_not_resumed_for_ever(
    settings: Mapping[str, str], tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    rows = "".join(f"{n},login,{1_700_000_000 + n}\n" for n in range(300_000))
    (logs / "log.csv").write_text(f"case_id,activity,timestamp\n{rows}")
    settings = {**settings, "GREENROOM_INPUT_ROOTS": json.dumps([str(logs)])}
    spec = LearningSpec(path="log.csv", format=EVENT_LOG)
    async with server(settings) as (process, client):
        started = await client.traces.learnings.start(spec)
        async with client.traces.learnings.watch(started.name) as watch:
            await anext(aiter(watch))
        process.kill()
        assert await process.died() == -SIGKILL
    async with server(settings, KILL_AT="1") as (process, _):
        assert await process.died() == -SIGKILL

    async with server(settings) as (_, client):
        failed = await learned(client, started)
        assert (failed.state, failed.reason) == (Learning.STATE_FAILED, "JOB_TOOK_SERVER_DOWN")
        assert failed.detail.startswith(f"The server ended 2 times in a row while {started.name} ran")
        await client.traces.learnings.retry(started.name)
        assert (await learned(client, started)).state == Learning.STATE_COMPLETED


async def test_a_dataset_outlives_a_full_disk(tmp_path: Path) -> None:
    spec, disk = short_spec(500_000), tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "16m"):
        async with serving("sqlite", tmp_path, output_root=disk) as greenroom:
            datasets = greenroom.client.traces.datasets
            undisturbed = files(await written(greenroom.client, spec))
            async with full(disk):
                started = await datasets.start(spec)
                failed = await over(greenroom.client, started.name)
                # On a disk without a free page even the dataset's folder cannot be made.
                assert (failed.state, failed.reason) == (State.STATE_FAILED, "DESTINATION_FULL")
                assert failed.detail.startswith(
                    f"There is no room for {started.location}: No space left on device; 0.0 MB"
                )

            await datasets.retry(started.name)
            done = await over(greenroom.client, started.name)
        assert done.state == State.STATE_COMPLETED
        assert files(done) == undisturbed
