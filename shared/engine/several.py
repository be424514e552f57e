"""Several sources of jobs for one engine."""

from collections.abc import Collection, Mapping, Sequence

from shared.engine.jobs import Job, JobSource


class Several:
    """The jobs of all sources, those of the first source first.

    sources: by the collections that their jobs' names begin with, such as `datasets/`.
    """

    def __init__(self, sources: Mapping[str, JobSource]) -> None:
        self._sources = sources

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """The jobs that can run now; see JobSource."""
        sources = self._sources.items()
        return [job for prefix, source in sources for job in await source.waiting(_of(prefix, running))]

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Those of the running jobs whose work somebody asked to stop."""
        sources = self._sources.items()
        return [name for prefix, source in sources for name in await source.unwanted(_of(prefix, running))]

    async def run(self, job: Job) -> None:
        """Do the work, to its end."""
        await self._source(job).run(job)

    async def interrupt(self, job: Job) -> None:
        """End a job's work that was running and is not wanted any more."""
        await self._source(job).interrupt(job)

    def _source(self, job: Job) -> JobSource:
        return next(source for prefix, source in self._sources.items() if job.name.startswith(prefix))


def _of(prefix: str, names: Collection[str]) -> list[str]:
    return [name for name in names if name.startswith(prefix)]
