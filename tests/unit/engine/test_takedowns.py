"""A job that takes its process down twice fails; jobs beside it do not."""

from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from shared.db.engine import Database
from shared.db.tables import new_metadata
from shared.db.takedowns import TakedownStore, takedowns_table
from shared.engine.jobs import Job
from shared.engine.takedowns import Takedowns, TookServerDown

metadata = new_metadata()
table = takedowns_table(metadata)


class Jobs:
    """Jobs that have begun: id → progress. failed: those that were ended."""

    def __init__(self, **begun: int) -> None:
        self.progress = begun
        self.failed: dict[str, str] = {}

    async def begun(self) -> Sequence[tuple[Job, int]]:
        return [(Job("jobs", name, "acme"), progress) for name, progress in self.progress.items()]

    async def fail(self, job: Job, error: TookServerDown) -> None:
        del self.progress[job.id]
        self.failed[job.id] = str(error)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    engine = create_async_engine(database_url)
    async with engine.begin() as conn:
        await conn.run_sync(metadata.create_all)
    await engine.dispose()
    db = await Database.open(database_url)
    yield db
    await db.close()


async def start(db: Database, jobs: Jobs) -> list[str]:
    """The jobs that a process runs alone after its start; it ends without a word."""
    return [suspect.job.id for suspect in await Takedowns(TakedownStore(db, table), {"jobs": jobs}).begin()]


async def test_a_job_that_was_alone_at_two_ends_fails_with_the_reason(db: Database) -> None:
    jobs = Jobs()
    await start(db, jobs)
    jobs.progress["bad"] = 3

    assert await start(db, jobs) == []
    assert await start(db, jobs) == []

    assert "ended 2 times in a row while jobs/bad ran and got no further" in jobs.failed["bad"]
    assert await start(db, jobs) == []


async def test_jobs_that_get_further_or_are_stopped_in_order_never_fail(db: Database) -> None:
    jobs = Jobs()
    await start(db, jobs)
    jobs.progress |= {"slow": 3}
    for _ in range(5):
        assert await start(db, jobs) == []
        jobs.progress["slow"] += 1
    for _ in range(5):
        takedowns = Takedowns(TakedownStore(db, table), {"jobs": jobs})
        assert await takedowns.begin() == []
        await takedowns.end()

    assert jobs.failed == {}


async def test_among_many_jobs_only_the_one_that_took_the_process_down_alone_fails(db: Database) -> None:
    jobs = Jobs()
    await start(db, jobs)
    jobs.progress |= {"a": 1, "bad": 1, "z": 1}
    assert await start(db, jobs) == []

    starts = 0
    while "bad" not in jobs.failed:
        starts += 1
        takedowns = Takedowns(TakedownStore(db, table), {"jobs": jobs})
        for suspect in await takedowns.begin():
            await takedowns.runs_alone(suspect.job)
            if suspect.job.id == "bad":
                break  # and the process is gone
            jobs.progress[suspect.job.id] += 1
            assert await takedowns.got_further(suspect)
            await takedowns.acquit(suspect.job)

    assert list(jobs.failed) == ["bad"]
    assert starts == 3, "two ends while it ran alone, and the start that fails it"
    assert await start(db, jobs) == []


async def test_a_job_that_is_retried_after_it_failed_begins_anew(db: Database) -> None:
    jobs = Jobs(bad=3)
    for _ in range(3):
        await start(db, jobs)
    assert list(jobs.failed) == ["bad"]

    jobs.progress["bad"] = 3
    await start(db, jobs)
    assert jobs.progress == {"bad": 3}
