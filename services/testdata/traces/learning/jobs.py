"""The jobs of learnings. One that is interrupted begins again: a log is read in minutes."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import structlog

from services.testdata.ports import Clock
from services.testdata.traces.learning.errors import LearningFailed
from services.testdata.traces.learning.folders import Folders
from services.testdata.traces.learning.kept import Learning, LearningState, Progress
from services.testdata.traces.learning.ports import Inputs, LearningStore, Log
from services.testdata.traces.learning.task import learn_log, progress_in
from shared.compute import Compute, WorkerCrashed
from shared.db.appends import AppendConflict
from shared.engine.jobs import Job
from shared.errors import GreenroomError, Unavailable

KIND = "learning"
CRASHES = 3
"""How often the process of one learning may end before the learning fails."""
NOTE_SECONDS = 0.5
"""How often it is noted how far a learning is."""

_log = structlog.get_logger(__name__)


class LearningJobs:
    """The engine's jobs: learnings that are PENDING or RUNNING."""

    def __init__(self, store: LearningStore, inputs: Inputs, folders: Folders, compute: Compute, clock: Clock) -> None:
        self._store = store
        self._inputs = inputs
        self._folders = folders
        self._compute = compute
        self._clock = clock
        self._crashes = Counter[str]()

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Learnings to take up."""
        return await self._store.waiting(running)

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Running learnings that somebody asked to cancel."""
        return await self._store.unwanted(running) if running else ()

    async def run(self, job: Job) -> None:
        """Learn, to the end."""
        learning = await self._store.find(job.name)
        if learning is None or learning.state.over:
            return
        try:
            await self._learn(learning)
        except AppendConflict:
            # Another process had it meanwhile: the log is right, and the next turn reads it.
            _log.info("learning_went_on_elsewhere", name=job.name)

    async def interrupt(self, job: Job) -> None:
        """End a cancelled learning whose work was aborted."""
        await self.run(job)

    async def _learn(self, learning: Learning) -> None:
        if learning.wanted is not None:
            await self._end(learning, learning.wanted)
            return
        assert learning.spec is not None, "only what the server reads itself is a job"
        watch = _Watch(self._store, learning)
        try:
            async with (
                self._folders.working(learning.id) as folder,
                self._inputs.open(learning.company, learning.spec, folder) as log,
            ):
                document = await self._work(watch, log, learning.spec.workflow_name, folder)
            await self._store.complete(watch.learning, document, self._clock())
            self._crashes.pop(learning.name, None)
        except WorkerCrashed as crashed:
            self._crashes[learning.name] += 1
            if self._crashes[learning.name] < CRASHES:
                raise
            await self._fail(watch.learning, LearningFailed(times=CRASHES), crashed)
        except (Unavailable, AppendConflict):
            raise
        except GreenroomError as error:
            await self._fail(watch.learning, error, error.__cause__)
        except Exception as error:
            await self._fail(watch.learning, GreenroomError(), error)

    async def _work(self, watch: "_Watch", log: Log, name: str, folder: Path) -> bytes:
        """What was learned, noting on the way how far it is."""
        await watch.note(Progress(0, 0), log.byte_count)
        work = asyncio.create_task(self._compute.run(learn_log, log.files, log.log_format, name, folder))
        try:
            while not (await asyncio.wait([work], timeout=NOTE_SECONDS))[0]:
                progress = await asyncio.to_thread(progress_in, folder)
                if progress is not None:
                    await watch.note(progress, log.byte_count)
        finally:
            work.cancel()
            await asyncio.wait([work])
        return work.result()

    async def _fail(self, learning: Learning, why: GreenroomError, cause: BaseException | None) -> None:
        _log.warning("learning_failed", name=learning.name, reason=why.reason, exc_info=cause)
        await self._end(learning, LearningState.FAILED, why.reason, str(why))

    async def _end(self, learning: Learning, state: LearningState, reason: str = "", detail: str = "") -> None:
        await self._folders.remove(learning.id)
        await self._store.end(learning, state, self._clock(), reason, detail)
        self._crashes.pop(learning.name, None)


class _Watch:
    """A learning as its last event left it."""

    def __init__(self, store: LearningStore, learning: Learning) -> None:
        self._store = store
        self.learning = learning
        self._noted: Progress | None = None

    async def note(self, progress: Progress, byte_count: int) -> None:
        """Note progress that is news."""
        if progress != self._noted:
            self.learning = await self._store.note(self.learning, progress, byte_count)
            self._noted = progress
