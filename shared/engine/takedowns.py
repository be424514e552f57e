"""Finds the jobs that take their process down, so that they fail instead of being resumed for ever.

A process that ends without `end` counts against the jobs that it had begun and that got no further since the last such
end. After two ends a job runs alone at the next start, before all others. A job that ran alone at two ends in a row
fails. So jobs that only ran beside it do not fail, and neither do jobs whose process is stopped in order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.db.takedowns import PROCESS, Count, Key, TakedownStore
from shared.engine.jobs import Job
from shared.errors import FailedPrecondition

TIMES = 2
"""After so many ends of its process a job runs alone, and after so many ends while it ran alone it fails."""


class TookServerDown(FailedPrecondition):
    """The server ended {times} times in a row while {name} ran and got no further; change what it runs, then retry."""

    reason = "JOB_TOOK_SERVER_DOWN"


class Resumed(Protocol):
    """Jobs of one kind that a process may leave in the middle."""

    async def begun(self) -> Sequence[tuple[Job, int]]:
        """The jobs that have begun and are not over, each with a number that changes when it gets further."""
        ...

    async def fail(self, job: Job, error: TookServerDown) -> None:
        """End a job as FAILED."""
        ...


@dataclass(frozen=True, slots=True)
class Suspect:
    """A job to run alone. progress: as it begins."""

    job: Job
    progress: int


class Takedowns:
    """Counts over starts of processes. sources: the jobs by kind."""

    def __init__(self, store: TakedownStore, sources: Mapping[str, Resumed]) -> None:
        self._store = store
        self._sources = sources

    async def begin(self) -> Sequence[Suspect]:
        """Call it before any job runs. Fails the guilty jobs, and returns those to run alone first."""
        begun = [one for source in self._sources.values() for one in await source.begun()]
        before = await self._store.read()
        crashed = before.pop(PROCESS, None) is not None
        alone = {key for key, row in before.items() if row.alone} or ({_key(begun[0][0])} if len(begun) == 1 else set())
        counted, suspects = {PROCESS: Count()}, []
        for job, progress in begun:
            key = _key(job)
            last = before.get(key)
            stuck = last if last is not None and last.progress == progress else None
            # While one job ran alone, the others did not run.
            counts = crashed and (not alone or key in alone)
            times = (stuck.times if stuck else 0) + counts
            times_alone = (stuck.times_alone if stuck else 0) + (counts and key in alone)
            if times_alone >= TIMES:
                await self._sources[job.kind].fail(job, TookServerDown(name=job.name, times=times))
                continue
            counted[key] = Count(progress, times, times_alone)
            if times >= TIMES:
                suspects.append((times_alone, Suspect(job, progress)))
        await self._store.replace(counted)
        return [suspect for _, suspect in sorted(suspects, key=lambda one: -one[0])]

    async def runs_alone(self, job: Job) -> None:
        """Note that a job runs alone from now on."""
        await self._store.change(_key(job), alone=True)

    async def acquit(self, job: Job) -> None:
        """Note that a job ran alone and the process lives."""
        await self._store.change(_key(job), alone=False, times=0, times_alone=0)

    async def got_further(self, suspect: Suspect) -> bool:
        """True if the job made progress or is over."""
        begun = {_key(job): progress for job, progress in await self._sources[suspect.job.kind].begun()}
        return begun.get(_key(suspect.job)) != suspect.progress

    async def end(self) -> None:
        """Call it when all jobs have stopped in order."""
        await self._store.remove(PROCESS)


def _key(job: Job) -> Key:
    return (job.kind, job.id)
