"""The local engine: jobs as asyncio tasks of the process that owns the database."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

import structlog

from shared.db.ownership import Ownership
from shared.db.wakeups import Wakeups
from shared.engine.jobs import TOPIC, Job, JobSource
from shared.errors import Unavailable

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
        self._queue: deque[Job] = deque()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._unwanted: set[str] = set()
        self._failures: dict[str, int] = {}
        self._resting: set[str] = set()
        self._main: asyncio.Task[None] | None = None

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
            work = asyncio.create_task(self._work())
            lost = asyncio.create_task(self._ownership.lost.wait())
            try:
                await asyncio.wait([work, lost], return_when=asyncio.FIRST_COMPLETED)
            finally:
                # Jobs end before the lock is asked for again or given back: nobody else may find them at work.
                self._queue.clear()
                for task in (work, lost, *self._running.values()):
                    task.cancel()
                await asyncio.wait([work, lost, *self._running.values()])
                self._running.clear()
                await self._ownership.release()
            if not work.cancelled() and (error := work.exception()) is not None:
                _log.error("engine_failed", exc_info=error)

    async def _work(self) -> None:
        while True:
            mark = self._wakeups.mark(TOPIC)
            try:
                await self._stop_unwanted()
                # What was found before may be one company's; whoever came since gets its turn.
                self._queue = deque(fairly(await self._source.waiting(self._running.keys() | self._resting)))
                self._take_up()
            except Unavailable:
                _log.warning("engine_waits_for_the_store")
            await self._wakeups.wait(TOPIC, mark, POLL)

    async def _stop_unwanted(self) -> None:
        for name in await self._source.unwanted(self._running.keys()):
            if name in self._running and name not in self._unwanted:
                self._unwanted.add(name)
                self._running[name].cancel()

    def _take_up(self) -> None:
        while self._queue and len(self._running) < self._max_in_flight:
            job = self._queue.popleft()
            if job.name not in self._running:
                self._running[job.name] = asyncio.create_task(self._run(job), name=f"{job.kind} {job.name}")

    async def _run(self, job: Job) -> None:
        try:
            await self._source.run(job)
            self._failures.pop(job.name, None)
        except asyncio.CancelledError:
            if job.name not in self._unwanted:
                raise
            with contextlib.suppress(Unavailable):
                await self._source.interrupt(job)
        except Exception as error:
            _log.warning("job_failed", kind=job.kind, name=job.name, error=type(error).__name__, exc_info=error)
            self._rest(job.name)
        finally:
            self._running.pop(job.name, None)
            self._unwanted.discard(job.name)
            self._next()

    def _next(self) -> None:
        """Fill the place that has become free, from what is known to wait or from the store."""
        self._take_up()
        if not self._queue:
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


def fairly(jobs: Iterable[Job]) -> Iterator[Job]:
    """The jobs with companies in turn, and within a company its groups in turn; each group keeps its own order."""
    companies: dict[str, dict[str, deque[Job]]] = defaultdict(lambda: defaultdict(deque))
    for job in jobs:
        companies[job.company][job.group].append(job)
    turns = deque((company, deque(groups.values())) for company, groups in companies.items())
    while turns:
        company, groups = turns.popleft()
        queue = groups.popleft()
        yield queue.popleft()
        if queue:
            groups.append(queue)
        if groups:
            turns.append((company, groups))
