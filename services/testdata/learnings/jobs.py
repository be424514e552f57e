"""The jobs of learnings. A learning is one step, and an interrupted one starts again: a log is read in minutes."""

import asyncio
from pathlib import Path
from typing import Any

from services.testdata.learnings.errors import LearningFailed
from services.testdata.learnings.folders import Folders
from services.testdata.learnings.inputs import Inputs, Log
from services.testdata.learnings.model import Learning, Progress, write_progress
from services.testdata.learnings.store import LearningStore
from services.testdata.learnings.task import learn_log, progress_in
from shared.clock import Clock
from shared.compute import Compute
from shared.work.jobs import Turn, WorkJobs
from shared.work.model import State, Work

NOTE_SECONDS = 0.5
"""Seconds between two looks at the progress."""


def learning_jobs(
    store: LearningStore, inputs: Inputs, folders: Folders, compute: Compute, clock: Clock
) -> WorkJobs[Learning]:
    """The engine's jobs for learnings."""

    async def step(turn: Turn[Learning]) -> dict[str, Any]:
        work, spec = turn.work, turn.work.body.spec
        assert spec is not None, "an uploaded log is no job"
        async with folders.working(work.id) as folder, inputs.open(work.company, spec, folder) as log:
            result = await _learn(turn, compute, log, spec.workflow_name, folder)
        return {"result": result, "bytes_done": turn.work.body.byte_count}

    async def abandon(learning: Work[Learning], _: State) -> None:
        await folders.remove(learning.id)

    def crashed(_: Work[Learning], times: int) -> LearningFailed:
        return LearningFailed(times=times)

    return WorkJobs(store, step, clock, abandon=abandon, crashed=crashed)


async def _learn(turn: Turn[Learning], compute: Compute, log: Log, name: str, folder: Path) -> bytes:
    """Learn in another process, and note its progress."""
    noted = Progress(0, 0)
    await turn.append(write_progress(noted), bytes_done=0, byte_count=log.byte_count)
    work = asyncio.create_task(
        compute.run(learn_log, log.files, log.log_format, name, folder, log.left_out, reads=log.byte_count)
    )
    try:
        while not (await asyncio.wait([work], timeout=NOTE_SECONDS))[0]:
            progress = await asyncio.to_thread(progress_in, folder)
            if progress is not None and progress != noted:
                noted = progress
                await turn.append(write_progress(noted), bytes_done=noted.bytes_done)
    finally:
        work.cancel()
        await asyncio.wait([work])
    return work.result()
