"""The jobs of datasets. Each step writes one part, or the manifest, so that datasets take turns."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from services.testdata.datasets.errors import DestinationFailed, PartFailed
from services.testdata.datasets.model import InParts
from services.testdata.datasets.outputs import Files, Outputs
from shared.clock import Clock
from shared.no_links import Place
from shared.work.jobs import Turn, WorkJobs
from shared.work.model import BEGUN, State, Work
from shared.work.store import WorkStore

D = TypeVar("D", bound=InParts)
D_contra = TypeVar("D_contra", bound=InParts, contravariant=True)
P = TypeVar("P", bound=Files)


class Making(Protocol, Generic[D_contra, P]):
    """How the datasets of one noun are made."""

    async def write(self, dataset: D_contra, index: int, place: Place) -> P:
        """Write a part into a folder, and replace an earlier one. Raises OSError, WorkerCrashed."""
        ...

    def needed(self, dataset: D_contra) -> int:
        """An estimate of the bytes of the missing parts; 0 before the first part is written."""
        ...

    def file(self, dataset: D_contra) -> str:
        """What the next part's file is called in an error."""
        ...

    def pack(self, part: P) -> bytes:
        """The part as an event."""
        ...

    def count(self, dataset: D_contra, part: P) -> dict[str, Any]:
        """What else of the body changes when a part is written besides the number of parts."""
        ...

    def manifest(self, dataset: D_contra, events: Sequence[bytes]) -> bytes:
        """The manifest. events: of all parts, in order."""
        ...


def dataset_jobs(store: WorkStore[D], outputs: Outputs, making: Making[D, P], clock: Clock) -> WorkJobs[D]:
    """The engine's jobs for datasets."""

    async def step(turn: Turn[D]) -> dict[str, Any] | None:
        output = outputs.open(turn.work.body.location)
        if turn.work.state is State.PENDING:
            if not turn.work.body.claimed:
                await output.claim()
            await turn.append(BEGUN, claimed=True)
        # Unfinished files of a killed process use disk space, and nothing else removes them.
        await output.clean()
        dataset = turn.work.body
        if dataset.parts_done == dataset.part_count:
            await output.write_manifest(making.manifest(dataset, await store.events(turn.work)))
            return {}
        part = await output.write_part(partial(making.write, dataset, dataset.parts_done), making.needed(dataset))
        changes = making.count(dataset, part)
        await turn.append(making.pack(part), parts_done=dataset.parts_done + 1, **changes)
        return None

    async def abandon(dataset: Work[D], state: State) -> None:
        # Do this before the state changes: a caller who sees CANCELLED may move the files.
        if state is State.CANCELLED:
            with suppress(DestinationFailed):
                await outputs.open(dataset.body.location).clean()

    def crashed(dataset: Work[D], times: int) -> PartFailed:
        return PartFailed(file=making.file(dataset.body), times=times)

    return WorkJobs(store, step, clock, abandon=abandon, crashed=crashed)
