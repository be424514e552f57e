"""The jobs of datasets. Each step writes one part, or the manifest, so that datasets take turns."""

from contextlib import suppress
from typing import Any

from services.testdata.datasets.errors import DestinationFailed, PartFailed
from services.testdata.datasets.manifest import manifest
from services.testdata.datasets.model import Dataset, pack_part
from services.testdata.datasets.outputs import Outputs
from services.testdata.datasets.parts import part_file
from services.testdata.datasets.store import DatasetStore
from shared.clock import Clock
from shared.work.jobs import Turn, WorkJobs
from shared.work.model import BEGUN, State, Work


def dataset_jobs(store: DatasetStore, outputs: Outputs, clock: Clock) -> WorkJobs[Dataset]:
    """The engine's jobs for datasets."""

    async def step(turn: Turn[Dataset]) -> dict[str, Any] | None:
        output = outputs.open(turn.work.body.location)
        if turn.work.state is State.PENDING:
            if not turn.work.body.claimed:
                await output.claim()
            await turn.append(BEGUN, claimed=True)
        # Unfinished files of a killed process use disk space, and nothing else removes them.
        await output.clean()
        dataset = turn.work.body
        if dataset.parts_done == dataset.part_count:
            await output.write_manifest(manifest(dataset, await store.parts(turn.work)))
            return {}
        part = await output.write_part(dataset, dataset.parts_done)
        await turn.append(
            pack_part(part),
            parts_done=dataset.parts_done + 1,
            sessions_done=dataset.sessions_done + part.session_count,
            call_count=dataset.call_count + part.call_count,
            byte_count=dataset.byte_count + part.byte_count,
        )
        return None

    async def abandon(dataset: Work[Dataset], state: State) -> None:
        # Do this before the state changes: a caller who sees CANCELLED may move the files.
        if state is State.CANCELLED:
            with suppress(DestinationFailed):
                await outputs.open(dataset.body.location).clean()

    def crashed(dataset: Work[Dataset], times: int) -> PartFailed:
        return PartFailed(file=part_file(dataset.body.parts_done, dataset.body.spec.format), times=times)

    return WorkJobs(store, step, clock, abandon=abandon, crashed=crashed)
