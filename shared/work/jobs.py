"""The jobs of long work: take it up, run its steps, and end it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import count
from typing import Any, Generic, TypeVar

import structlog

from shared.clock import Clock
from shared.compute import WorkerCrashed
from shared.db.appends import AppendConflict
from shared.engine.jobs import Job
from shared.engine.takedowns import TookServerDown
from shared.errors import GreenroomError, Unavailable
from shared.work.errors import WorkCrashed
from shared.work.model import State, Work
from shared.work.store import Also, WorkStore

T = TypeVar("T")

CRASHES = 3
"""Worker processes that one step may lose before the work fails."""

_log = structlog.get_logger(__name__)


class Turn(Generic[T]):
    """One run of a job. work: as its last event left it."""

    def __init__(self, store: WorkStore[T], work: Work[T]) -> None:
        self._store = store
        self.work = work

    async def append(self, *events: bytes, also: Sequence[Also] = (), **changes: Any) -> None:
        """Append events, which makes the work RUNNING, and set columns of its body.

        also: statements to run in the same transaction. Raises AppendConflict.
        """
        self.work = await self._store.append(self.work, *events, also=also, **changes)


Step = Callable[[Turn[T]], Awaitable[dict[str, Any] | None]]
"""Does some of the work, and can be repeated after a crash at any point.

Returns None if there is more to do, or the last changes of the body, which complete the work.
"""


async def _nothing(_: Work[Any], __: State) -> None:
    pass


def _crashed(work: Work[Any], times: int) -> GreenroomError:
    return WorkCrashed(name=work.name, times=times)


class WorkJobs(Generic[T]):
    """The engine's jobs of one kind; each run of a job is one step.

    abandon: removes what the work left behind, before it becomes CANCELLED or FAILED.
    crashed: the error of a work whose step lost its process `times` times.
    """

    def __init__(
        self,
        store: WorkStore[T],
        step: Step[T],
        clock: Clock,
        *,
        abandon: Callable[[Work[T], State], Awaitable[None]] = _nothing,
        crashed: Callable[[Work[T], int], GreenroomError] = _crashed,
    ) -> None:
        self._store = store
        self._step = step
        self._clock = clock
        self._abandon = abandon
        self._crashed = crashed
        self._crashes = Counter[str]()
        self._turns = count(1)
        self._last_turn: dict[str, int] = {}

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Works to continue, sorted by the last turn of the company, then by that of the work, oldest first."""
        jobs = await self._store.waiting(running)
        return sorted(jobs, key=lambda job: (self._last_turn.get(job.company, 0), self._last_turn.get(job.name, 0)))

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Running works that a caller asked to cancel."""
        return await self._store.unwanted(running) if running else ()

    async def begun(self) -> Sequence[tuple[Job, int]]:
        """The works that are RUNNING, each with a number that changes when it gets further."""
        return await self._store.begun()

    async def fail(self, job: Job, error: TookServerDown) -> None:
        """Fail a work that took its process down."""
        work = await self._store.find(job.name)
        if work is not None and not work.state.over:
            await self._fail(Turn(self._store, work), error, None)

    async def run(self, job: Job) -> None:
        """Run one step, or cancel the work if a caller asked for it."""
        self._last_turn[job.company] = self._last_turn[job.name] = next(self._turns)
        work = await self._store.find(job.name)
        if work is None or work.state.over:
            self._forget(job.name)
            return
        turn = Turn(self._store, work)
        try:
            await self._run(turn)
        except AppendConflict:
            # Another process had the work meanwhile; the next turn reads its log.
            _log.info("work_went_on_elsewhere", name=job.name)

    async def interrupt(self, job: Job) -> None:
        """Cancel a work whose step was aborted."""
        await self.run(job)

    async def _run(self, turn: Turn[T]) -> None:
        name = turn.work.name
        try:
            if turn.work.wanted is State.CANCELLED:
                await self._give_up(turn, State.CANCELLED)
                return
            completed = await self._step(turn)
            self._crashes.pop(name, None)
            if completed is not None:
                await self._store.end(turn.work, State.COMPLETED, self._clock(), **completed)
                self._forget(name)
        except WorkerCrashed as crash:
            self._crashes[name] += 1
            if self._crashes[name] < CRASHES:
                raise
            await self._fail(turn, self._crashed(turn.work, CRASHES), crash)
        except (Unavailable, AppendConflict):
            raise
        except GreenroomError as error:
            await self._fail(turn, error, error.__cause__)
        except Exception as error:
            await self._fail(turn, GreenroomError(), error)

    async def _fail(self, turn: Turn[T], error: GreenroomError, cause: BaseException | None) -> None:
        _log.warning("work_failed", name=turn.work.name, reason=error.reason, exc_info=cause)
        where = [f"{one.field}: {one.description}" for one in error.violations]
        await self._give_up(turn, State.FAILED, error.reason, " ".join([str(error), *where]))

    async def _give_up(self, turn: Turn[T], state: State, reason: str = "", detail: str = "") -> None:
        await self._abandon(turn.work, state)
        await self._store.end(turn.work, state, self._clock(), reason, detail)
        self._forget(turn.work.name)

    def _forget(self, name: str) -> None:
        self._last_turn.pop(name, None)
        self._crashes.pop(name, None)
