"""The pool of processes for CPU-bound work."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from shared.compute import Compute, TooMuchMemory, WorkerCrashed, WorkFailed
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


async def test_megabytes_go_both_ways_even_if_the_work_prints(compute: Compute) -> None:
    data = os.urandom(3 << 20)

    assert await compute.run(work.echo, data) == data


async def test_an_exception_of_the_work_is_raised_and_its_worker_stays(compute: Compute) -> None:
    with pytest.raises(ValueError, match="three is too many"):
        await compute.run(work.fail, "three is too many")
    assert await compute.run(work.double, 1) == 2


async def test_an_exception_that_cannot_be_pickled_is_named_in_a_note(compute: Compute) -> None:
    with pytest.raises(WorkFailed) as caught:
        await compute.run(work.fail_unpicklably)

    assert "no reason" in "".join(caught.value.__notes__)
    assert "no reason" not in str(caught.value)


async def test_a_greenroom_error_is_raised_with_its_fields(compute: Compute) -> None:
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


async def test_cancelled_work_stops_and_makes_room_for_other_work(tmp_path: Path) -> None:
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
@pytest.mark.parametrize("allocate", [work.allocate, work.wrap_memory_error])
async def test_work_that_takes_more_memory_than_its_input_may_is_refused_and_its_worker_replaced(
    compute: Compute, allocate: Callable[[int], object]
) -> None:
    before = await compute.run(work.process)

    with pytest.raises(TooMuchMemory, match=r"more than 353 MiB of memory"):
        await compute.run(allocate, 600, reads=20_000)

    assert await compute.run(work.process) != before
    assert await compute.run(work.allocate, 600, reads=10_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
async def test_no_work_takes_more_memory_than_the_pool_allows() -> None:
    pool = Compute(workers=1, memory=512 << 20)

    with pytest.raises(TooMuchMemory):
        await pool.run(work.allocate, 600)
    with pytest.raises(TooMuchMemory):
        await pool.run(work.allocate, 600, reads=1 << 40)

    await pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
@pytest.mark.parametrize("kept", [240, 320])
async def test_what_earlier_work_left_in_a_worker_refuses_no_small_input(kept: int, tmp_path: Path) -> None:
    pool = Compute(workers=1)

    await pool.run(work.keep, kept)
    await pool.run(work.fill, 150, tmp_path / "runs", reads=1)

    await pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
@pytest.mark.parametrize(("before", "runs"), [(0, 1), (1, 2), (5, 2)])
async def test_work_that_takes_too_much_memory_runs_at_most_twice(before: int, runs: int, tmp_path: Path) -> None:
    pool = Compute(workers=1)
    for _ in range(before):
        await pool.run(work.double, 1)

    with pytest.raises(TooMuchMemory):
        await pool.run(work.fill, 600, tmp_path / "runs", reads=1)

    assert len((tmp_path / "runs").read_text().splitlines()) == runs
    await pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
async def test_the_memory_that_libraries_take_while_they_load_is_not_the_inputs(compute: Compute) -> None:
    assert await compute.run(partial(work.use_library), reads=1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory a process has")
async def test_a_worker_gives_its_memory_back_after_large_work() -> None:
    pool = Compute(workers=1)

    large = await pool.run(work.keep, 600)

    assert await pool.run(work.process) != large
    await pool.close()


async def test_a_worker_ends_with_a_server_that_is_killed_while_the_worker_computes(tmp_path: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from shared.compute import Compute
from tests.unit.compute import work
asyncio.run(Compute(workers=1).run(work.hold, Path({str(tmp_path / "started")!r})))
"""
    server = subprocess.Popen([sys.executable, "-c", program])  # noqa: ASYNC220
    worker = await _who_started(tmp_path / "started")

    server.kill()
    server.wait()

    async with asyncio.timeout(60):
        while _runs(worker):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def _runs(process: int) -> bool:
    """Whether it exists and is no zombie, which waits for its parent to notice."""
    try:
        os.kill(process, 0)
        status = Path(f"/proc/{process}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


async def _who_started(file: Path) -> int:
    """The worker's process id, once it has written it to the file."""
    async with asyncio.timeout(60):
        while not file.exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.01)
    return int(file.read_text())  # noqa: ASYNC240
