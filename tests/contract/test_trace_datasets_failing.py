"""Datasets without disk space, permission or a worker process: they fail, say why, and continue after a retry."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from greenroom.client import Client, connect
from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from tests.contract.tokens import SECRET, token
from tests.datasets import State, dataset_spec, files, names_in, over, short_spec, written
from tests.processes import PATIENCE, workers
from tests.scripted import refused
from tests.suite import testdata_suite as serving


@dataclass
class Alone:
    """A test data service with one process for calls and one for jobs.

    others: processes that do not run jobs.
    """

    client: Client
    others: set[int]

    async def job_worker(self) -> int:
        """The process that writes parts."""
        if not workers() - self.others:
            await written(self.client, dataset_spec(users=10))
        [worker] = workers() - self.others
        return worker


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def alone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Alone]:
    """A service with one process for calls and one for jobs, on each database."""
    url = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    async with serving(url, tmp_path_factory.mktemp("alone")) as greenroom:
        [_ async for _ in greenroom.client.traces.stream("workflows/ecommerce")]
        yield Alone(greenroom.client, workers())


@contextmanager
def no_file_larger_than(count: int, process: int) -> Iterator[None]:
    """Let a process write at most `count` bytes per file; later writes fail as on a full disk."""
    soft, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (count, hard))
    yield
    resource.prlimit(process, resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_dataset_that_finds_no_room_fails_and_goes_on_when_there_is(alone: Alone) -> None:
    datasets, worker = alone.client.traces.datasets, await alone.job_worker()
    for form in pb.DatasetSpec.Format.values()[1:]:
        spec = short_spec(30_000, format=form)
        undisturbed = await written(alone.client, spec)

        with no_file_larger_than(undisturbed.byte_count // 2, worker):
            started = await datasets.start(spec)
            failed = await over(alone.client, started.name)

        assert (failed.state, failed.reason, failed.parts_done) == (State.STATE_FAILED, "DESTINATION_FULL", 0)
        assert failed.detail.startswith(f"There is no room for {started.location}: File too large; ")
        assert failed.detail.endswith("Make room, then retry.")
        assert names_in(Path(started.location)) == []
        retried = await datasets.retry(started.name)
        assert (retried.state, retried.reason, retried.detail) == (State.STATE_PENDING, "", "")
        done = await over(alone.client, started.name)
        assert done.state == State.STATE_COMPLETED
        assert files(done) == files(undisturbed)


async def test_a_dataset_that_fails_midway_keeps_its_parts_and_tells_how_much_room_the_rest_takes(
    alone: Alone,
) -> None:
    spec = short_spec(3 * 2**20)
    undisturbed = await written(alone.client, spec)
    worker = await alone.job_worker()
    started = await alone.client.traces.datasets.start(spec)
    async with alone.client.traces.datasets.watch(started.name) as watch:
        await anext(watch)
        with no_file_larger_than(1_000, worker):
            parts = 1 + len([part async for part in watch])
    failed = watch.summary
    assert failed is not None
    assert (failed.state, failed.reason, failed.parts_done) == (State.STATE_FAILED, "DESTINATION_FULL", parts)
    if parts < 3:
        assert f"about {failed.byte_count * (3 - parts) // parts / 1e6:,.1f} MB more are needed" in failed.detail
    assert names_in(Path(started.location)) == [f"part-0000{i}.parquet" for i in range(parts)]

    await alone.client.traces.datasets.retry(started.name)
    async with alone.client.traces.datasets.watch(started.name, cursor=watch.cursor) as rest:
        assert [part.index async for part in rest] == list(range(parts, 3))

    assert files(started) == files(undisturbed)


async def test_a_dataset_whose_folder_cannot_be_made_fails_and_can_be_retried_but_not_cancelled(
    tmp_path: Path,
) -> None:
    async with serving("sqlite", tmp_path, output_root=Path("/proc/self/output")) as greenroom:
        started = await greenroom.client.traces.datasets.start(dataset_spec())
        failed = await over(greenroom.client, started.name)
    assert (failed.state, failed.reason) == (State.STATE_FAILED, "DESTINATION_UNWRITABLE")
    assert failed.detail == (
        f"{failed.location} cannot be written: No such file or directory. "
        "Let the server's user write there, then retry."
    )

    async with serving("sqlite", tmp_path) as greenroom:
        async with refused("FAILED_PRECONDITION", "DATASET_OVER"):
            await greenroom.client.traces.datasets.cancel(started.name)
        await greenroom.client.traces.datasets.retry(started.name)
        failed = await over(greenroom.client, started.name)
    assert (failed.state, failed.reason) == (State.STATE_FAILED, "DESTINATION_UNWRITABLE")
    assert "it is not below the output root" in failed.detail


async def test_a_part_whose_process_is_killed_is_made_again(alone: Alone) -> None:
    spec = short_spec(3 * 2**20)
    undisturbed = await written(alone.client, spec)
    worker = await alone.job_worker()
    started = await alone.client.traces.datasets.start(spec)
    async with alone.client.traces.datasets.watch(started.name) as watch:
        await anext(watch)
        os.kill(worker, 9)
        assert 1 + len([part async for part in watch]) == 3

    assert watch.summary is not None
    assert watch.summary.state == State.STATE_COMPLETED
    assert files(started) == files(undisturbed)


async def test_a_part_whose_process_is_killed_again_and_again_fails_the_dataset(alone: Alone) -> None:
    started = await alone.client.traces.datasets.start(short_spec(30 * 2**20))

    async def kill_all() -> None:
        while True:
            for one in workers() - alone.others:
                with suppress(ProcessLookupError):
                    os.kill(one, 9)
            await asyncio.sleep(0.01)

    killing = asyncio.create_task(kill_all())
    failed = await over(alone.client, started.name)
    killing.cancel()

    assert (failed.state, failed.reason) == (State.STATE_FAILED, "PART_FAILED")
    assert failed.detail == (
        f"part-{failed.parts_done:05}.parquet could not be written: its process ended 3 times, usually because "
        "memory ran out. Free some, then retry."
    )


async def test_a_companys_many_datasets_do_not_keep_anothers_waiting(tmp_path: Path) -> None:
    async with (
        serving("sqlite", tmp_path, jwt_secret=SecretStr(SECRET)) as greenroom,
        connect(greenroom.address, timeout=PATIENCE, token=token("acme")) as acme,
        connect(greenroom.address, timeout=PATIENCE, token=token("globex/../acme")) as globex,
    ):
        many = [await acme.traces.datasets.start(short_spec(3 * 2**20, destination=f"set-{i}")) for i in range(4)]
        one = await globex.traces.datasets.start(short_spec(2 * 2**20, destination="set-0"))

        done = await written(globex, short_spec(10, destination="another"))
        assert (await over(globex, one.name)).state == State.STATE_COMPLETED

        parts = [(await acme.traces.datasets.get(dataset.name)).parts_done for dataset in many]
        assert sum(parts) < 12, "globex waited until acme had everything"
        assert max(parts) - min(parts) <= 1, "acme's datasets take turns, too"
        for dataset in many:
            await acme.traces.datasets.cancel(dataset.name)
        for dataset in many:
            await over(acme, dataset.name)
        # Both companies asked for the same destination; each has its own folder.
        assert [Path(one.location).parent.name, Path(many[0].location).parent.name] == [
            "globex%2F%2E%2E%2Facme",
            "acme",
        ]
        assert Path(done.location).parent == Path(one.location).parent
