"""The jobs of datasets. A job writes one part, or the manifest, and then it is another dataset's turn."""

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import count

import structlog

from services.testdata.ports import Clock
from services.testdata.traces.datasets.errors import DestinationFailed, PartFailed
from services.testdata.traces.datasets.manifest import manifest
from services.testdata.traces.datasets.model import Dataset, DatasetState
from services.testdata.traces.datasets.parts import part_file
from services.testdata.traces.datasets.ports import DatasetStore, Place, Places
from shared.compute import WorkerCrashed
from shared.db.appends import AppendConflict
from shared.engine.jobs import Job
from shared.errors import GreenroomError, Unavailable

CRASHES = 3
"""How often the process of one part may end before the dataset fails."""

_log = structlog.get_logger(__name__)


class DatasetJobs:
    """The engine's jobs: datasets that are PENDING or RUNNING."""

    def __init__(self, store: DatasetStore, places: Places, clock: Clock) -> None:
        self._store = store
        self._places = places
        self._clock = clock
        self._turns = count(1)
        self._had: dict[str, int] = {}
        self._crashes = Counter[str]()

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Datasets to go on with; first those of the company, and there the dataset, whose last turn is longest ago."""
        jobs = await self._store.waiting(running)
        return sorted(jobs, key=lambda job: (self._had.get(job.company, 0), self._had.get(job.name, 0)))

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Running datasets that somebody asked to cancel."""
        return await self._store.unwanted(running) if running else ()

    async def run(self, job: Job) -> None:
        """Write the next part of a dataset, or its manifest."""
        self._had[job.company] = self._had[job.name] = next(self._turns)
        dataset = await self._store.find(job.name)
        if dataset is None or dataset.state.over:
            self._forget(job.name)
            return
        try:
            await self._step(dataset)
        except AppendConflict:
            # Another process had it meanwhile: the log is right, and the next turn reads it.
            _log.info("dataset_went_on_elsewhere", name=job.name)

    async def interrupt(self, job: Job) -> None:
        """End a cancelled dataset whose part under way was aborted."""
        await self.run(job)

    async def _step(self, dataset: Dataset) -> None:
        try:
            if dataset.wanted is not None:
                await self._cancel(dataset, dataset.wanted)
                return
            place = self._places.open(dataset.location)
            if not dataset.claimed:
                await place.claim()
            if dataset.state is DatasetState.PENDING:
                dataset = await self._store.begin(dataset)
            await self._write(dataset, place)
        except WorkerCrashed as crashed:
            self._crashes[dataset.name] += 1
            if self._crashes[dataset.name] < CRASHES:
                raise
            file = part_file(dataset.parts_done, dataset.spec.format)
            await self._fail(dataset, PartFailed(file=file, times=CRASHES), crashed)
        except DestinationFailed as failed:
            await self._fail(dataset, failed, failed.__cause__)
        except (Unavailable, AppendConflict):
            raise
        except Exception as error:
            await self._fail(dataset, GreenroomError(), error)

    async def _write(self, dataset: Dataset, place: Place) -> None:
        # What a killed process left is not in the way, but it takes room that nobody would ever find.
        await place.clean()
        if dataset.parts_done < dataset.part_count:
            part = await place.write_part(dataset, dataset.parts_done)
            await self._store.add_part(dataset, part)
            self._crashes.pop(dataset.name, None)
            return
        assert dataset.workflow is not None
        await place.write_manifest(manifest(dataset, dataset.workflow, await self._store.parts(dataset)))
        await self._end(dataset, DatasetState.COMPLETED)

    async def _cancel(self, dataset: Dataset, state: DatasetState) -> None:
        # Only now, when nobody writes any more: whoever sees it cancelled may move its files.
        with suppress(DestinationFailed):
            await self._places.open(dataset.location).clean()
        await self._end(dataset, state)

    async def _fail(self, dataset: Dataset, why: GreenroomError, cause: BaseException | None) -> None:
        _log.warning("dataset_failed", name=dataset.name, reason=why.reason, exc_info=cause)
        await self._end(dataset, DatasetState.FAILED, why.reason, str(why))

    async def _end(self, dataset: Dataset, state: DatasetState, reason: str = "", detail: str = "") -> None:
        await self._store.end(dataset, state, self._clock(), reason, detail)
        self._forget(dataset.name)

    def _forget(self, name: str) -> None:
        self._had.pop(name, None)
        self._crashes.pop(name, None)
