"""Jobs of several kinds in one engine."""

from collections.abc import Collection, Sequence

from shared.engine.jobs import Job
from shared.engine.several import Several


class Source:
    """Jobs of one kind; keeps what it was asked."""

    def __init__(self, *names: str) -> None:
        self.jobs = [Job("kind", name, "acme") for name in names]
        self.asked: list[object] = []

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        self.asked.append(sorted(running))
        return [job for job in self.jobs if job.name not in running]

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        return [name for name in running if name.endswith("unwanted")]

    async def run(self, job: Job) -> None:
        self.asked.append(("run", job.name))

    async def interrupt(self, job: Job) -> None:
        self.asked.append(("interrupt", job.name))


async def test_each_source_hears_of_its_own_jobs_only() -> None:
    apples, pears = Source("apples/1", "apples/2"), Source("pears/1")
    several = Several({"apples/": apples, "pears/": pears})

    waiting = await several.waiting({"apples/1", "pears/unwanted"})
    unwanted = await several.unwanted({"apples/1", "pears/unwanted"})
    await several.run(pears.jobs[0])
    await several.interrupt(apples.jobs[0])

    assert [job.name for job in waiting] == ["apples/2", "pears/1"]
    assert list(unwanted) == ["pears/unwanted"]
    assert apples.asked == [["apples/1"], ("interrupt", "apples/1")]
    assert pears.asked == [["pears/unwanted"], ("run", "pears/1")]
