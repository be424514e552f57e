"""The local engine: bounded, fair, owned by one process at a time; it retries a job until it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from shared.db.engine import Database
from shared.db.faults import StoreUnavailable
from shared.db.ownership import Ownership
from shared.engine import local
from shared.engine.jobs import TOPIC, Job
from shared.engine.local import LocalEngine, fairly
from tests.postgres import PostgresServer


def job(name: str, company: str = "acme", group: str = "") -> Job:
    return Job("test", name, company, group)


@dataclass
class Jobs:
    """Jobs in memory, each of which runs until it is released; what happens to them is noted in order."""

    waits: dict[str, Job] = field(default_factory=dict)
    stopping: set[str] = field(default_factory=set)
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    looking: list[Exception] = field(default_factory=list)
    looks: int = 0
    polls: int = 0
    log: list[tuple[str, str]] = field(default_factory=list)
    at_work: set[str] = field(default_factory=set)
    most_at_once: int = 0
    holding: bool = True
    released: set[str] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def add(self, *jobs: Job) -> None:
        self.waits.update({one.id: one for one in jobs})

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        self.looks += 1
        if self.looking:
            raise self.looking.pop(0)
        return [one for name, one in self.waits.items() if name not in running]

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        async with self._changed:
            self.polls += 1
            self._changed.notify_all()
        return [name for name in self.stopping if name in running]

    async def run(self, job: Job) -> None:
        if job.id in self.stopping:
            await self._note("ended", job.id)
            return
        self.at_work.add(job.id)
        self.most_at_once = max(self.most_at_once, len(self.at_work))
        try:
            await self._note("began", job.id, done=False)
            if errors := self.errors.get(job.id):
                raise errors.pop(0)
            async with self._changed:
                await self._changed.wait_for(lambda: not self.holding or job.id in self.released)
            await self._note("ended", job.id)
        except asyncio.CancelledError:
            self.log.append(("cancelled", job.id))
            raise
        finally:
            self.at_work.discard(job.id)

    async def interrupt(self, job: Job) -> None:
        await self._note("interrupted", job.id)

    async def release(self, *names: str) -> None:
        async with self._changed:
            self.released.update(names)
            self.holding = self.holding and bool(names)
            self._changed.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(holds), 60)

    def happened(self, what: str) -> list[str]:
        return [name for event, name in self.log if event == what]

    def have_begun(self, count: int) -> bool:
        return len(self.happened("began")) == count

    async def _note(self, what: str, name: str, *, done: bool = True) -> None:
        async with self._changed:
            self.log.append((what, name))
            if done:
                self.waits.pop(name, None)
            self._changed.notify_all()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    db = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'jobs.db'}")
    yield db
    await db.close()


@pytest.fixture
async def jobs() -> Jobs:
    return Jobs()


def engine(db: Database, jobs: Jobs, *, at_once: int = 100) -> LocalEngine:
    return LocalEngine({"test": jobs}, Ownership(db), db.wakeups, max_in_flight=at_once)


async def test_no_more_run_at_once_than_are_allowed_and_all_run(database: Database, jobs: Jobs) -> None:
    jobs.add(*(job(f"{n}") for n in range(30)))
    running = engine(database, jobs, at_once=4)
    await running.start()
    await jobs.until(lambda: len(jobs.at_work) == 4)

    await jobs.release()
    await jobs.until(lambda: len(jobs.happened("ended")) == 30)

    assert jobs.most_at_once == 4
    assert sorted(jobs.happened("began")) == sorted(f"{n}" for n in range(30))
    await running.stop()


async def test_who_comes_later_gets_a_turn_before_those_who_have_many_waiting(database: Database, jobs: Jobs) -> None:
    jobs.add(*(job(f"acme-{batch}-{n}", group=f"batch-{batch}") for batch in range(5) for n in range(4)))
    running = engine(database, jobs, at_once=2)
    await running.start()
    await jobs.until(lambda: len(jobs.at_work) == 2)
    jobs.add(*(job(f"globex-{n}", "globex") for n in range(4)))

    for turn in range(1, 9):
        database.wakeups.notify([TOPIC])
        await jobs.release(min(jobs.at_work, key=jobs.happened("began").index))
        await jobs.until(partial(jobs.have_begun, 2 + turn))

    of_globex = [name.startswith("globex") for name in jobs.happened("began")]
    assert sum(of_globex) == 4, jobs.happened("began")
    await running.stop()


async def test_a_job_that_is_not_wanted_any_more_is_aborted_and_closed(database: Database, jobs: Jobs) -> None:
    jobs.add(job("wanted"), job("unwanted"))
    running = engine(database, jobs)
    await running.start()
    await jobs.until(lambda: len(jobs.at_work) == 2)

    jobs.stopping.add("unwanted")
    database.wakeups.notify([TOPIC])

    await jobs.until(lambda: jobs.happened("interrupted") == ["unwanted"])
    assert jobs.happened("cancelled") == ["unwanted"]
    assert jobs.at_work == {"wanted"}
    await running.stop()


async def test_one_engine_runs_several_kinds_and_each_hears_of_its_own_ids_only(database: Database) -> None:
    apples, pears = Jobs(), Jobs()
    apples.add(Job("apples", "1", "acme"))
    pears.add(Job("pears", "1", "acme"), Job("pears", "2", "acme"))
    running = LocalEngine({"apples": apples, "pears": pears}, Ownership(database), database.wakeups, max_in_flight=9)
    await running.start()
    await apples.until(lambda: apples.at_work == {"1"})
    await pears.until(lambda: pears.at_work == {"1", "2"})

    pears.stopping.add("1")
    database.wakeups.notify([TOPIC])

    await pears.until(lambda: pears.happened("interrupted") == ["1"])
    assert apples.happened("cancelled") == []
    await running.stop()


async def test_what_the_store_lost_is_run_again(database: Database, jobs: Jobs) -> None:
    jobs.errors["shaky"] = [StoreUnavailable(), ValueError("a bug")]
    jobs.add(job("shaky"))
    running = engine(database, jobs)
    await running.start()
    await jobs.release()

    await jobs.until(lambda: jobs.happened("ended") == ["shaky"])

    assert jobs.happened("began") == ["shaky"] * 3
    await running.stop()


async def test_a_job_that_rests_after_a_failure_is_ended_at_once_when_it_is_not_wanted(
    database: Database, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "FIRST_BACKOFF", 1000)
    jobs.errors["shaky"] = [StoreUnavailable()]
    jobs.add(job("shaky"))
    running = engine(database, jobs)
    await running.start()
    await jobs.until(lambda: jobs.happened("began") == ["shaky"])

    jobs.stopping.add("shaky")
    database.wakeups.notify([TOPIC])

    await jobs.until(lambda: jobs.happened("ended") == ["shaky"])
    assert jobs.happened("began") == ["shaky"]
    await running.stop()


@pytest.mark.parametrize("error", [StoreUnavailable(), ValueError("a bug")])
async def test_an_engine_that_cannot_look_for_jobs_looks_again(
    database: Database, jobs: Jobs, error: Exception
) -> None:
    database.wakeups.poll_seconds = 0.01
    jobs.looking = [error, error]
    jobs.add(job("found"))
    running = engine(database, jobs)

    await running.start()

    await jobs.until(lambda: jobs.happened("began") == ["found"])
    await running.stop()


async def test_an_engine_without_a_free_place_looks_for_jobs_only_when_there_is_news(
    database: Database, jobs: Jobs
) -> None:
    database.wakeups.poll_seconds = 0.01
    jobs.add(*(job(f"{n}") for n in range(3)))
    running = engine(database, jobs, at_once=1)
    await running.start()
    await jobs.until(lambda: jobs.polls >= 2)
    looks, polls = jobs.looks, jobs.polls

    await jobs.until(lambda: jobs.polls >= polls + 5)
    assert jobs.looks == looks

    database.wakeups.notify([TOPIC])
    await jobs.until(lambda: jobs.looks == looks + 1 and jobs.polls > polls + 5)
    await jobs.release()
    await jobs.until(lambda: len(jobs.happened("ended")) == 3)
    await running.stop()


async def test_stopping_leaves_jobs_where_they_are_for_the_next_owner(database: Database, jobs: Jobs) -> None:
    jobs.add(job("long"))
    first, second = engine(database, jobs), engine(database, jobs)
    await first.start()
    await jobs.until(lambda: jobs.at_work == {"long"})
    await second.start()
    assert jobs.happened("began") == ["long"], "only one owns the jobs"

    await first.stop()

    assert jobs.happened("cancelled") == ["long"]
    assert jobs.happened("interrupted") == []
    await jobs.until(lambda: jobs.happened("began") == ["long", "long"])
    await jobs.release()
    await jobs.until(lambda: jobs.happened("ended") == ["long"])
    await second.stop()


async def test_an_owner_that_loses_its_lock_stops_its_jobs_and_takes_them_up_when_it_has_it_again(
    postgres: PostgresServer, jobs: Jobs
) -> None:
    db = await Database.open(postgres.create_database())
    jobs.add(job("long"))
    running = engine(db, jobs)
    await running.start()
    await jobs.until(lambda: jobs.at_work == {"long"})

    postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'", db.url.database or "")

    await jobs.until(lambda: jobs.happened("began") == ["long", "long"])
    assert jobs.log == [("began", "long"), ("cancelled", "long"), ("began", "long")]
    assert jobs.most_at_once == 1
    await running.stop()
    await db.close()


def names(ordered: Sequence[Job]) -> list[str]:
    return [one.id for one in ordered]


def test_companies_take_turns_and_each_companys_batches_do() -> None:
    acme = [job("a1", group="x"), job("a2", group="x"), job("a3", group="y"), job("a4", group="y")]
    globex = [job("g1", "globex"), job("g2", "globex")]

    assert names(list(fairly([*acme, *globex]))) == ["a1", "g1", "a3", "g2", "a2", "a4"]


def test_what_runs_already_counts() -> None:
    found = [job("a1"), job("a2"), job("g1", "globex"), job("g2", "globex"), job("g3", "globex")]
    running = [job("a0"), job("a00")]

    assert names(list(fairly(found, running))) == ["g1", "g2", "a1", "g3", "a2"]


def test_a_batch_that_has_nothing_running_goes_before_one_that_has() -> None:
    found = [job("x2", group="x"), job("y1", group="y")]

    assert names(list(fairly(found, [job("x1", group="x")]))) == ["y1", "x2"]
