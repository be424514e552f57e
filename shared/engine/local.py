"""The local engine: jobs as asyncio tasks of the process that owns the database."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import islice

import structlog

from shared.db.ownership import Ownership
from shared.db.wakeups import Wakeups
from shared.engine.jobs import TOPIC, Job, JobSource
from shared.errors import Unavailable
from shared.outage import Outage

POLL = 1.0
"""Seconds after which the engine looks for jobs without having been woken."""
FIRST_BACKOFF, LAST_BACKOFF = 0.2, 30.0
"""Seconds before a job that failed is run again: doubled each time."""

_log = structlog.get_logger(__name__)


class LocalEngine:
    """Runs up to max_in_flight jobs at once while this process owns the database, and waits for that otherwise."""

    def __init__(self, source: JobSource, ownership: Ownership, wakeups: Wakeups, *, max_in_flight: int) -> None:
        self._source = source
        self._ownership = ownership
        self._wakeups = wakeups
        self._max_in_flight = max_in_flight
        self._waiting: dict[str, Job] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._jobs: dict[str, Job] = {}
        self._unwanted: set[str] = set()
        self._failures: dict[str, int] = {}
        self._resting: set[str] = set()
        self._main: asyncio.Task[None] | None = None
        self._store = Outage(_log, "engine_waits_for_the_store", "engine_has_the_store_again")

    async def start(self) -> None:
        """Ask for the ownership and run jobs once it is there; returns at once."""
        self._main = asyncio.create_task(self._own(), name="engine")

    async def stop(self) -> None:
        """Stop every job where it is, and give the ownership back for another process to take the jobs up."""
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
                # Jobs end before the lock is asked for again or given back: nobody else may find them at work.
                self._waiting.clear()
                for task in (work, lost, *self._running.values()):
                    task.cancel()
                await asyncio.wait([work, lost, *self._running.values()])
                await self._ownership.release()
            if not work.cancelled() and (error := work.exception()) is not None:
                _log.error("engine_failed", exc_info=error)

    async def _work(self) -> None:
        news = True
        while True:
            mark = self._wakeups.mark(TOPIC)
            try:
                await self._stop_unwanted()
                # What was found before may be one company's; whoever came since gets its turn. Without news, looking
                # among all that wait is for when there is a place that nothing known can fill.
                if news or not self._waiting or len(self._running) < self._max_in_flight:
                    found = await self._source.waiting(self._running.keys() | self._resting)
                    self._waiting = {job.name: job for job in found if job.name not in self._running}
                    self._take_up()
                self._store.over()
            except Unavailable:
                self._store.met()
            except Exception as error:
                _log.error("engine_cannot_look_for_jobs", exc_info=error)
                await asyncio.sleep(POLL)
            news = await self._wakeups.wait(TOPIC, mark, POLL)

    async def _stop_unwanted(self) -> None:
        for name in await self._source.unwanted(self._running.keys() | self._resting):
            # One that rests is taken up at once: all that is left of its work is to end it.
            self._resting.discard(name)
            if name in self._running and name not in self._unwanted:
                self._unwanted.add(name)
                self._running[name].cancel()

    def _take_up(self) -> None:
        """Fill the places that are free."""
        free = self._max_in_flight - len(self._running)
        if free <= 0 or not self._waiting:
            return
        for job in list(islice(fairly(self._waiting.values(), self._jobs.values()), free)):
            self._jobs[job.name] = self._waiting.pop(job.name)
            task = self._running[job.name] = asyncio.create_task(self._run(job), name=f"{job.kind} {job.name}")
            # Not at the end of the task's own code, which never begins if it is cancelled first.
            task.add_done_callback(partial(self._ran, job.name))

    async def _run(self, job: Job) -> None:
        try:
            try:
                await self._source.run(job)
            except asyncio.CancelledError:
                if job.name not in self._unwanted:
                    raise
                await self._source.interrupt(job)
            self._failures.pop(job.name, None)
        except Unavailable:
            # A store that is out of order fails every job there is; where each of them was then tells nothing.
            self._store.met()
            self._rest(job.name)
        except Exception as error:
            _log.warning("job_failed", kind=job.kind, name=job.name, error=type(error).__name__, exc_info=error)
            self._rest(job.name)

    def _ran(self, name: str, _: asyncio.Task[None]) -> None:
        """Fill the place that has become free, from what is known to wait or from the store."""
        del self._running[name], self._jobs[name]
        self._unwanted.discard(name)
        self._take_up()
        if not self._waiting:
            self._wakeups.notify([TOPIC])

    def _rest(self, name: str) -> None:
        """Leave a failed job alone for a while."""
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        self._resting.add(name)
        delay = min(FIRST_BACKOFF * 2 ** (failures - 1), LAST_BACKOFF)
        asyncio.get_running_loop().call_later(delay, self._rested, name)

    def _rested(self, name: str) -> None:
        self._resting.discard(name)
        self._wakeups.notify([TOPIC])


def fairly(jobs: Iterable[Job], running: Iterable[Job] = ()) -> Iterator[Job]:
    """The jobs in the order in which they are to be taken up, beside those that run.

    The next is always of the company that has the fewest so far, and there of the group that has the fewest; each group
    keeps its own order, and who came first goes first.
    """
    waiting: dict[str, dict[str, deque[Job]]] = defaultdict(lambda: defaultdict(deque))
    for job in jobs:
        waiting[job.company][job.group].append(job)
    have = Counter[str](job.company for job in running)
    shares = Counter[tuple[str, str]]((job.company, job.group) for job in running)
    companies = [(have[company], place, company) for place, company in enumerate(waiting)]
    groups = {
        company: [(shares[company, group], place, group) for place, group in enumerate(of_company)]
        for company, of_company in waiting.items()
    }
    for heap in (companies, *groups.values()):
        heapify(heap)
    while companies:
        count, place, company = heappop(companies)
        share, row, group = heappop(groups[company])
        queue = waiting[company][group]
        yield queue.popleft()
        if queue:
            heappush(groups[company], (share + 1, row, group))
        if groups[company]:
            heappush(companies, (count + 1, place, company))
