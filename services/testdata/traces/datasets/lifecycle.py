"""What callers do with datasets: start, cancel, retry, delete."""

from dataclasses import dataclass

from services.testdata.ports import Clock
from services.testdata.traces.compiled import compiled, packed
from services.testdata.traces.datasets.errors import (
    DatasetNotCancellable,
    DatasetNotOver,
    DatasetNotRetriable,
    DestinationTaken,
)
from services.testdata.traces.datasets.model import PREFIX, Dataset, DatasetSpec, DatasetState
from services.testdata.traces.datasets.parts import part_count
from services.testdata.traces.datasets.ports import DatasetStore, Places
from services.testdata.traces.digest import digest
from services.testdata.traces.errors import SessionOutOfRange
from services.testdata.traces.formats import Format
from services.testdata.traces.formats.limits import check_format
from services.testdata.traces.generation import ALGORITHM, session_count
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.reading import Given
from services.testdata.traces.sessions import check_fit
from services.testdata.traces.workflow import Workflow
from services.testdata.traces.workflows import Workflows
from shared.auth import Caller
from shared.compute import Compute
from shared.ids import new_id
from shared.requests import RequestKey, first_result


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    """What a caller wants to have written.

    workflow: what comes with the call, or a name. first, count: the sessions; 0 for the first, and for all to the end.
    destination: "" for a folder of the dataset's own name.
    """

    workflow: Given | str
    parameters: Parameters
    first: int
    count: int
    format: Format
    destination: str


class Datasets:
    """The operations on datasets."""

    def __init__(
        self, store: DatasetStore, workflows: Workflows, places: Places, compute: Compute, clock: Clock
    ) -> None:
        self._store = store
        self._workflows = workflows
        self._places = places
        self._compute = compute
        self._clock = clock

    async def start(self, request: DatasetRequest, caller: Caller, key: RequestKey | None) -> Dataset:
        """Let a dataset be written.

        Raises WorkflowInvalid, WorkflowNotFound, ParametersInvalid, SessionOutOfRange, DestinationInvalid,
        DestinationNotEmpty, DestinationTaken, RequestIdReused, ResultDeleted.
        """
        company = caller.company
        if key is not None and (earlier := await self._store.earlier(company, key)) is not None:
            return await first_result(key, earlier, self._store.get(company, earlier))
        workflow = await self._workflows.resolve(company, request.workflow, "spec.workflow")
        check_fit(workflow, request.parameters, "spec.parameters")
        check_format(request.format, request.parameters, "spec.parameters")
        own = new_id()
        destination = request.destination or PREFIX + own
        location = self._places.locate(destination, company, "spec.destination")
        first, count = _range(request, await self._compute.run(_count_sessions, workflow, request.parameters))
        # Asked first, so that the answer does not depend on whether that dataset has written anything yet.
        if await self._store.has(location):
            raise DestinationTaken(destination=destination)
        await self._places.check(location)
        spec = DatasetSpec(workflow.name, request.parameters, first, count, request.format, destination)
        dataset = Dataset(
            id=own,
            company=company,
            state=DatasetState.PENDING,
            spec=spec,
            workflow=workflow,
            workflow_digest=digest(workflow),
            algorithm=ALGORITHM,
            location=location,
            part_count=part_count(count),
            creator=caller.subject,
            create_time=self._clock(),
        )
        name = await self._store.create(dataset, key)
        return await self._store.get(company, name)

    async def cancel(self, company: str, name: str) -> Dataset:
        """Stop it; one that is cancelled or failed already is returned as it is.

        Raises DatasetNotFound, DatasetNotCancellable.
        """
        dataset = await self._store.get(company, name)
        if dataset.state is DatasetState.COMPLETED:
            raise DatasetNotCancellable(name=name)
        await self._store.cancel(dataset, self._clock())
        return await self._store.get(company, name)

    async def retry(self, company: str, name: str) -> Dataset:
        """Let a FAILED one go on; one that goes on or is completed is returned as it is.

        Raises DatasetNotFound, DatasetNotRetriable.
        """
        dataset = await self._store.get(company, name)
        if dataset.state is DatasetState.CANCELLED:
            raise DatasetNotRetriable(name=name)
        await self._store.retry(dataset)
        return await self._store.get(company, name)

    async def delete(self, company: str, name: str) -> None:
        """Forget one that is over; its files stay where they are. Raises DatasetNotFound, DatasetNotOver."""
        dataset = await self._store.get(company, name)
        if not dataset.state.over or not await self._store.delete(dataset):
            raise DatasetNotOver(name=name, state=dataset.state)


def _count_sessions(workflow: Workflow, parameters: Parameters) -> int:
    return session_count(compiled(packed(workflow, parameters)))


def _range(request: DatasetRequest, sessions: int) -> tuple[int, int]:
    """The first session and how many; raises SessionOutOfRange."""
    first = request.first or 1
    count = request.count or sessions - first + 1
    last = first + count - 1
    if first > sessions or last > sessions:
        raise SessionOutOfRange(session=f"{max(first, last):,}", count=f"{sessions:,}")
    return first, count
