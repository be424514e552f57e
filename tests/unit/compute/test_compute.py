"""The pool of processes for work that holds the processor."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.compute import Compute, WorkerCrashed, WorkFailed
from shared.errors import Violation
from tests.unit.compute import work


@pytest.fixture
async def compute() -> AsyncIterator[Compute]:
    pool = Compute(workers=2)
    yield pool
    await pool.close()


async def test_work_runs_in_another_process_and_its_result_comes_back(compute: Compute) -> None:
    assert await compute.run(work.double, 21) == 42
    assert await compute.run(work.process) != os.getpid()


async def test_no_process_is_started_before_there_is_work_and_never_more_than_workers(compute: Compute) -> None:
    processes = await asyncio.gather(*(compute.run(work.process) for _ in range(20)))

    assert 1 <= len(set(processes)) <= 2


async def test_megabytes_go_both_ways_and_what_the_work_prints_does_not_disturb(compute: Compute) -> None:
    data = os.urandom(3 << 20)

    assert await compute.run(work.echo, data) == data


async def test_an_exception_of_the_work_is_raised_and_its_worker_goes_on(compute: Compute) -> None:
    with pytest.raises(ValueError, match="three is too many"):
        await compute.run(work.fail, "three is too many")
    assert await compute.run(work.double, 1) == 2


async def test_an_exception_that_cannot_be_pickled_says_what_it_was_in_a_note(compute: Compute) -> None:
    with pytest.raises(WorkFailed) as caught:
        await compute.run(work.fail_unpicklably)

    assert "no reason" in "".join(caught.value.__notes__)
    assert "no reason" not in str(caught.value)


async def test_a_catalogued_error_comes_back_as_it_was(compute: Compute) -> None:
    with pytest.raises(work.OutOfPlums, match="There are 1,000 plums left") as caught:
        await compute.run(work.refuse, 1000)

    assert caught.value.violations == (Violation("plums", "Must be more."),)
    assert caught.value.details == {"count": "1000"}


async def test_a_crashed_worker_fails_its_own_work_only(compute: Compute) -> None:
    outcomes = await asyncio.gather(
        compute.run(work.crash), *(compute.run(work.double, n) for n in range(8)), return_exceptions=True
    )

    assert isinstance(outcomes[0], WorkerCrashed)
    assert outcomes[1:] == [0, 2, 4, 6, 8, 10, 12, 14]


async def test_cancelled_work_stops_and_gives_its_place_to_other_work(tmp_path: Path) -> None:
    pool = Compute(workers=1)
    holding = asyncio.create_task(pool.run(work.hold, tmp_path / "started"))
    worker = await _who_started(tmp_path / "started")

    holding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await holding

    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert await pool.run(work.double, 4) == 8
    await pool.close()


async def test_closing_ends_the_work_under_way(tmp_path: Path) -> None:
    pool = Compute(workers=1)
    holding = asyncio.create_task(pool.run(work.hold, tmp_path / "started"))
    await _who_started(tmp_path / "started")

    await pool.close()

    with pytest.raises(WorkerCrashed):
        await holding


async def _who_started(file: Path) -> int:
    """The worker's process id, once it wrote it: a file is all that another process can show."""
    async with asyncio.timeout(30):
        while not file.exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.01)
    return int(file.read_text())  # noqa: ASYNC240
