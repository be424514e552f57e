"""The local engine: jobs as asyncio tasks of the process that owns the database."""

import asyncio
import contextlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import islice

import structlog

from shared.db.faults import StoreUnavailable
from shared.db.ownership import Ownership
from shared.db.wakeups import Wakeups
from shared.engine.jobs import TOPIC, Job, JobSource
from shared.engine.takedowns import Takedowns
from shared.errors import Unavailable
from shared.outage import Outage

FIRST_BACKOFF = 0.2
"""Seconds before a job that failed runs again; doubled each time."""
_ALONE_SECONDS = 10.0
"""How long a job runs alone at most; by then it would have taken the process down again."""
_LOOK_SECONDS = 0.1
_END_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class LocalEngine:
    """Runs up to max_in_flight jobs at once while this process owns the database's jobs.

    sources: the jobs by kind. takedowns: finds those that take the process down; None resumes all.
    retry_seconds: the longest pause before a failed job runs again.
    """

    def __init__(
        self,
        sources: Mapping[str, JobSource],
        ownership: Ownership,
        wakeups: Wakeups,
        *,
        max_in_flight: int,
        takedowns: Takedowns | None = None,
        retry_seconds: float = 30.0,
    ) -> None:
        self._sources = sources
        self._ownership = ownership
        self._wakeups = wakeups
        self._max_in_flight = max_in_flight
        self._takedowns = takedowns
        self._retry_seconds = retry_seconds
        self._waiting: dict[str, Job] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._jobs: dict[str, Job] = {}
        self._unwanted: set[str] = set()
        self._failures: dict[str, int] = {}
        self._resting: set[str] = set()
        self._main: asyncio.Task[None] | None = None
        self._store = Outage(_log, "engine_waits_for_the_store", "engine_has_the_store_again")

    async def start(self) -> None:
        """Run jobs once this process owns the database; returns at once."""
        self._main = asyncio.create_task(self._own(), name="engine")

    async def stop(self) -> None:
        """Stop every job where it is and release the ownership, so that another process can continue."""
        if self._main is not None:
            self._main.cancel()
            await asyncio.wait([self._main])
            self._main = None

    async def _own(self) -> None:
        while True:
            await self._ownership.acquire()
            _log.info("this process runs the jobs now")
            work = asyncio.create_task(self._work())
            lost = asyncio.create_task(self._ownership.lost.wait())
            try:
                await asyncio.wait([work, lost], return_when=asyncio.FIRST_COMPLETED)
            finally:
                # End all jobs before releasing the lock: another process must not run them at the same time.
                self._waiting.clear()
                for task in (work, lost, *self._running.values()):
                    task.cancel()
                await asyncio.wait([work, lost, *self._running.values()])
                await self._stopped_in_order()
                await self._ownership.release()
            if not work.cancelled() and (error := work.exception()) is not None:
                _log.error("engine_failed", exc_info=error)

    async def _stopped_in_order(self) -> None:
        if self._takedowns is not None:
            # Without a store, this stop counts as a crash, which harms no job by itself.
            with contextlib.suppress(Unavailable, TimeoutError):
                await asyncio.wait_for(self._takedowns.end(), _END_SECONDS)

    async def _try_suspects(self, takedowns: Takedowns) -> None:
        """Run jobs that may have taken the process down, one after the other and alone, each until it gets further."""
        for suspect in await takedowns.begin():
            job = suspect.job
            _log.warning("job_runs_alone", name=job.name)
            await takedowns.runs_alone(job)
            task = asyncio.create_task(self._sources[job.kind].run(job), name=job.name)
            try:
                async with asyncio.timeout(_ALONE_SECONDS):
                    while not (await asyncio.wait([task], timeout=_LOOK_SECONDS))[0]:
                        if await takedowns.got_further(suspect):
                            break
            except TimeoutError:
                pass  # It waits for something; the process lives.
            finally:
                task.cancel()
                await asyncio.wait([task])
            await takedowns.acquit(job)

    async def _work(self) -> None:
        news, tried = True, self._takedowns is None
        while True:
            mark = self._wakeups.mark(TOPIC)
            try:
                if self._takedowns is not None and not tried:
                    await self._try_suspects(self._takedowns)
                    tried = True
                await self._stop_unwanted()
                # Jobs found earlier may be of one company only, so look again after news. Without news, look only if
                # the known jobs cannot fill every slot.
                if news or not self._waiting or len(self._running) < self._max_in_flight:
                    found = [
                        job for kind, source in self._sources.items() for job in await source.waiting(self._busy(kind))
                    ]
                    self._waiting = {job.name: job for job in found if job.name not in self._running}
                    self._take_up()
                self._store.over()
            except Unavailable:
                self._store.met()
            except Exception as error:
                _log.error("engine_cannot_look_for_jobs", exc_info=error)
                await asyncio.sleep(self._wakeups.poll_seconds)
            news = await self._wakeups.wait(TOPIC, mark)

    async def _stop_unwanted(self) -> None:
        for kind, source in self._sources.items():
            for unwanted in await source.unwanted(self._busy(kind)):
                name = f"{kind}/{unwanted}"
                # A resting job is run at once, because it only has to be ended.
                self._resting.discard(name)
                if name in self._running and name not in self._unwanted:
                    self._unwanted.add(name)
                    self._running[name].cancel()

    def _busy(self, kind: str) -> set[str]:
        """The ids of the kind's jobs that run or rest."""
        names = (name.partition("/") for name in self._running.keys() | self._resting)
        return {own for of, _, own in names if of == kind}

    def _take_up(self) -> bool:
        """Start waiting jobs while the limits allow it; True if any was started."""
        free = self._max_in_flight - len(self._running)
        if free <= 0 or not self._waiting:
            return False
        chosen = list(islice(fairly(self._waiting.values(), self._jobs.values()), free))
        for job in chosen:
            self._jobs[job.name] = self._waiting.pop(job.name)
            task = self._running[job.name] = asyncio.create_task(self._run(job), name=job.name)
            # Use a callback, because a task that is cancelled before it starts runs none of its own code.
            task.add_done_callback(partial(self._ran, job.name))
        return bool(chosen)

    async def _run(self, job: Job) -> None:
        try:
            try:
                await self._sources[job.kind].run(job)
            except asyncio.CancelledError:
                if job.name not in self._unwanted:
                    raise
                await self._sources[job.kind].interrupt(job)
            self._failures.pop(job.name, None)
        except StoreUnavailable:
            # An unavailable store fails every job, so a traceback for each would not help.
            self._store.met()
            self._rest(job.name)
        except Unavailable as error:
            _log.info("job_waits", name=job.name, reason=error.reason)
            self._rest(job.name)
        except Exception as error:
            _log.warning("job_failed", name=job.name, error=type(error).__name__, exc_info=error)
            self._rest(job.name)

    def _ran(self, name: str, _: asyncio.Task[None]) -> None:
        """Fill the free slot from the known jobs, or query the store for more."""
        del self._running[name], self._jobs[name]
        self._unwanted.discard(name)
        # Jobs that wait may all be held back by limits; the store may have others.
        if not self._take_up() or not self._waiting:
            self._wakeups.notify([TOPIC])

    def _rest(self, name: str) -> None:
        """Wait before the failed job is run again."""
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        self._resting.add(name)
        delay = min(FIRST_BACKOFF * 2 ** (failures - 1), self._retry_seconds)
        asyncio.get_running_loop().call_later(delay, self._rested, name)

    def _rested(self, name: str) -> None:
        self._resting.discard(name)
        self._wakeups.notify([TOPIC])


def fairly(jobs: Iterable[Job], running: Iterable[Job] = ()) -> Iterator[Job]:
    """The waiting jobs in the order in which to run them.

    The next job is of the company with the fewest jobs running or chosen, and in it of the group with the fewest. Each
    group keeps its order; ties go to the one that was listed first. Jobs that a limit holds back are left out.
    """
    waiting: dict[str, dict[str, deque[Job]]] = defaultdict(lambda: defaultdict(deque))
    for job in jobs:
        waiting[job.company][job.group].append(job)
    running = list(running)
    room = _Room(running)
    have = Counter[str](job.company for job in running)
    shares = Counter[tuple[str, str]]((job.company, job.group) for job in running)
    companies = [(have[company], index, company) for index, company in enumerate(waiting)]
    groups = {
        company: [(shares[company, group], index, group) for index, group in enumerate(of_company)]
        for company, of_company in waiting.items()
    }
    for heap in (companies, *groups.values()):
        heapify(heap)
    while companies:
        count, index, company = heappop(companies)
        share, row, group = heappop(groups[company])
        queue = waiting[company][group]
        job = queue.popleft()
        taken = room.take(job)
        if queue:
            heappush(groups[company], (share + taken, row, group))
        if groups[company]:
            heappush(companies, (count + taken, index, company))
        if taken:
            yield job


class _Room:
    """Counts jobs against their limits."""

    def __init__(self, running: Iterable[Job]) -> None:
        self._count = Counter[str]()
        self._most: dict[str, int] = {}
        for job in running:
            self._add(job)

    def take(self, job: Job) -> bool:
        """Count the job if no limit holds it back; False if one does."""
        if any(self._count[what] >= min(most, self._most.get(what, most)) for what, most in job.limits):
            return False
        self._add(job)
        return True

    def _add(self, job: Job) -> None:
        for what, most in job.limits:
            self._count[what] += 1
            self._most[what] = min(most, self._most.get(what, most))
