"""What callers do with learnings."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from services.testdata.learnings.errors import LearningNotCompleted
from services.testdata.learnings.folders import Folders, spool
from services.testdata.learnings.inputs import Inputs
from services.testdata.learnings.model import Learning, LearningSpec, read_learned
from services.testdata.learnings.store import LearningStore
from services.testdata.learnings.task import learn_log
from services.testdata.traces.learn.model import Export, Learned
from services.testdata.traces.logs.errors import LogEmpty
from services.testdata.traces.logs.formats import LogFormat
from shared.auth import Caller
from shared.clock import Clock
from shared.compute import Compute
from shared.ids import first_id, new_id
from shared.requests import RequestKey
from shared.work.model import State, Work
from shared.work.operations import WorkOperations

_DAY = 86_400_000


class Learnings:
    """The operations on learnings. works: cancels and retries them."""

    def __init__(self, store: LearningStore, inputs: Inputs, folders: Folders, compute: Compute, clock: Clock) -> None:
        self.works = WorkOperations(store, clock)
        self._store = store
        self._inputs = inputs
        self._folders = folders
        self._compute = compute
        self._clock = clock

    async def learn(
        self, chunks: AsyncIterator[bytes], log_format: LogFormat, file: str, name: str, caller: Caller
    ) -> Work[Learning]:
        """Learn from an uploaded log. file: its name for errors. name: of the workflow.

        Raises UploadTooLarge, StorageFailed, and the errors of logs.
        """
        own, began = new_id(), self._clock()
        async with self._folders.working(own) as folder:
            log = folder / "log"
            size = await spool(chunks, log)
            if not size:
                raise LogEmpty(file=file, why="no bytes came")
            result = await self._compute.run(learn_log, [(file, log)], log_format, name, folder, reads=size)
            log.unlink()
        work = Work(
            name=f"learnings/{own}",
            company=caller.company,
            creator=caller.subject,
            create_time=began,
            body=Learning(spec=None, result=result, bytes_done=size, byte_count=size),
            state=State.COMPLETED,
            end_time=self._clock(),
        )
        try:
            await self._store.create(work)
        except BaseException:
            await self._folders.remove(own)
            raise
        return work

    async def start(self, spec: LearningSpec, caller: Caller, key: RequestKey | None) -> Work[Learning]:
        """Start to learn from a log on the server.

        Raises RequestIdReused, ResultDeleted, and what `Inputs.check` raises.
        """

        async def make(_: str) -> Learning:
            await self._inputs.check(caller.company, spec, "spec")
            return Learning(spec)

        return await self.works.start(caller, key, make)

    async def learned(self, company: str, name: str) -> Learned:
        """What a learning learned. Raises LearningNotFound, LearningNotCompleted."""
        return await asyncio.to_thread(read_learned, await self._result(company, name))

    async def export(self, company: str, name: str, export: Export) -> Path:
        """The path of an export. Raises LearningNotFound, LearningNotCompleted."""
        await self._result(company, name)
        return self._folders.export(name.removeprefix("learnings/"), export)

    async def delete(self, company: str, name: str) -> None:
        """Delete a learning that is over, with its exports. Raises LearningNotFound, LearningNotOver."""
        await self.works.delete(company, name)
        await self._folders.remove(name.removeprefix("learnings/"))

    async def remove_abandoned(self) -> None:
        """Remove what killed calls left: folders they worked in, and day-old ones of learnings that do not exist."""
        await self._folders.remove_unfinished()
        old = [one for one in await self._folders.all() if one < first_id(self._clock() - _DAY)]
        for abandoned in {*old}.difference(await self._store.ids(old)):
            await self._folders.remove(abandoned)

    async def _result(self, company: str, name: str) -> bytes:
        work = await self._store.get(company, name)
        if work.body.result is None:
            raise LearningNotCompleted(name=name, state=work.state)
        return work.body.result
