"""What callers do with datasets."""

from services.testdata.datasets.errors import DestinationTaken
from services.testdata.datasets.model import Dataset, DatasetRequest, DatasetSpec
from services.testdata.datasets.outputs import Outputs
from services.testdata.datasets.parts import part_count
from services.testdata.datasets.store import DatasetStore
from services.testdata.streams.sessions import check_fit
from services.testdata.traces.compiled import compiled, packed
from services.testdata.traces.digest import digest
from services.testdata.traces.errors import SessionOutOfRange
from services.testdata.traces.formats.limits import check_format
from services.testdata.traces.generation import ALGORITHM, session_count
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow
from services.testdata.workflows.operations import Workflows
from shared.auth import Caller
from shared.compute import Compute
from shared.requests import RequestKey
from shared.work.model import Work
from shared.work.operations import WorkOperations


class Datasets:
    """Starts datasets. works: cancels, retries and deletes them; the files stay where they are."""

    def __init__(
        self,
        works: WorkOperations[Dataset],
        store: DatasetStore,
        workflows: Workflows,
        outputs: Outputs,
        compute: Compute,
    ) -> None:
        self.works = works
        self._store = store
        self._workflows = workflows
        self._outputs = outputs
        self._compute = compute

    async def start(self, request: DatasetRequest, caller: Caller, key: RequestKey | None) -> Work[Dataset]:
        """Start to write a dataset.

        Raises WorkflowInvalid, WorkflowNotFound, ParametersInvalid, SessionOutOfRange, DestinationInvalid,
        DestinationNotEmpty, DestinationTaken, RequestIdReused, ResultDeleted.
        """

        async def make(own: str) -> Dataset:
            workflow = await self._workflows.resolve(caller.company, request.workflow, "spec.workflow")
            check_fit(workflow, request.parameters, "spec.parameters")
            check_format(request.format, request.parameters, "spec.parameters")
            destination = request.destination or f"datasets/{own}"
            location = self._outputs.locate(destination, caller.company, "spec.destination")
            first, count = _range(request, await self._compute.run(_count_sessions, workflow, request.parameters))
            # Check this first, so that the error does not depend on whether that dataset has written a file yet.
            if await self._store.has(location):
                raise DestinationTaken(destination=destination)
            await self._outputs.check(location)
            spec = DatasetSpec(workflow.name, request.parameters, first, count, request.format, destination)
            return Dataset(spec, workflow, digest(workflow), ALGORITHM, location, part_count(count))

        return await self.works.start(caller, key, make)


def _count_sessions(workflow: Workflow, parameters: Parameters) -> int:
    return session_count(compiled(packed(workflow, parameters)))


def _range(request: DatasetRequest, sessions: int) -> tuple[int, int]:
    """The first session and the number of sessions. Raises SessionOutOfRange."""
    first = request.first or 1
    count = request.count or sessions - first + 1
    last = first + count - 1
    if first > sessions or last > sessions:
        raise SessionOutOfRange(session=f"{max(first, last):,}", count=f"{sessions:,}")
    return first, count
