"""What callers do with learnings: learn at once, start, read, cancel, delete."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from services.testdata.ports import Clock
from services.testdata.traces.learning.documents import read_learned
from services.testdata.traces.learning.errors import (
    LearningNotCancellable,
    LearningNotCompleted,
    LearningNotOver,
    LogEmpty,
)
from services.testdata.traces.learning.folders import Folders, spool
from services.testdata.traces.learning.formats import LogFormat
from services.testdata.traces.learning.kept import PREFIX, Export, Learning, LearningSpec, LearningState
from services.testdata.traces.learning.model import Learned
from services.testdata.traces.learning.ports import Inputs, LearningStore
from services.testdata.traces.learning.task import learn_log
from shared.auth import Caller
from shared.compute import Compute
from shared.ids import first_id, new_id
from shared.requests import RequestKey, first_result

_DAY = 86_400_000


class Learnings:
    """The operations on learnings."""

    def __init__(self, store: LearningStore, inputs: Inputs, folders: Folders, compute: Compute, clock: Clock) -> None:
        self._store = store
        self._inputs = inputs
        self._folders = folders
        self._compute = compute
        self._clock = clock

    async def learn(
        self, chunks: AsyncIterator[bytes], log_format: LogFormat, file: str, name: str, caller: Caller
    ) -> Learning:
        """Learn from a log that comes in chunks. file: its name, for errors. name: the workflow's.

        Raises UploadTooLarge, and what is wrong with the log.
        """
        learning_id, began = new_id(), self._clock()
        async with self._folders.working(learning_id) as folder:
            log = folder / "log"
            size = await spool(chunks, log)
            if not size:
                raise LogEmpty(file=file, why="no bytes came")
            document = await self._compute.run(learn_log, [(file, log)], log_format, name, folder)
            log.unlink()
        learning = Learning(
            id=learning_id,
            company=caller.company,
            state=LearningState.COMPLETED,
            spec=None,
            creator=caller.subject,
            create_time=began,
            document=document,
            bytes_done=size,
            byte_count=size,
            end_time=self._clock(),
        )
        try:
            await self._store.create(learning)
        except BaseException:
            await self._folders.remove(learning_id)
            raise
        return learning

    async def start(self, spec: LearningSpec, caller: Caller, key: RequestKey | None) -> Learning:
        """Let a job learn. Raises what `Inputs.check` does, RequestIdReused, ResultDeleted."""
        company = caller.company
        if key is not None and (earlier := await self._store.earlier(company, key)) is not None:
            return await first_result(key, earlier, self._store.get(company, earlier))
        await self._inputs.check(company, spec, "spec")
        learning = Learning(
            id=new_id(),
            company=company,
            state=LearningState.PENDING,
            spec=spec,
            creator=caller.subject,
            create_time=self._clock(),
        )
        return await self._store.get(company, await self._store.create(learning, key))

    async def get(self, company: str, name: str) -> Learning:
        """Raises LearningNotFound."""
        return await self._store.get(company, name)

    async def learned(self, company: str, name: str) -> Learned:
        """What one learned. Raises LearningNotFound, LearningNotCompleted."""
        return await asyncio.to_thread(read_learned, await self._document(company, name))

    async def export(self, company: str, name: str, export: Export) -> Path:
        """Where an export of one lies. Raises LearningNotFound, LearningNotCompleted."""
        await self._document(company, name)
        return self._folders.export(name.removeprefix(PREFIX), export)

    async def _document(self, company: str, name: str) -> bytes:
        learning = await self._store.get(company, name)
        if learning.document is None:
            raise LearningNotCompleted(name=name, state=learning.state)
        return learning.document

    async def page(self, company: str, state: LearningState | None, after: str, limit: int) -> list[Learning]:
        """Up to limit behind the one with the id after, oldest first, without what was learned."""
        return await self._store.page(company, state, after, limit)

    async def cancel(self, company: str, name: str) -> Learning:
        """Stop it; one that is cancelled already is returned as it is.

        Raises LearningNotFound, LearningNotCancellable.
        """
        learning = await self._store.get(company, name)
        if learning.state in (LearningState.COMPLETED, LearningState.FAILED):
            raise LearningNotCancellable(name=name, state=learning.state)
        await self._store.cancel(learning, self._clock())
        return await self._store.get(company, name)

    async def delete(self, company: str, name: str) -> None:
        """Remove one that is over, with its exports. Raises LearningNotFound, LearningNotOver."""
        learning = await self._store.get(company, name)
        if not learning.state.over or not await self._store.delete(learning):
            raise LearningNotOver(name=name, state=learning.state)
        await self._folders.remove(learning.id)

    async def remove_abandoned(self) -> None:
        """Remove the folders that calls left which were killed: those of no learning, a day old."""
        old = [one for one in await self._folders.all() if one < first_id(self._clock() - _DAY)]
        for abandoned in {*old}.difference(await self._store.known(old)):
            await self._folders.remove(abandoned)
