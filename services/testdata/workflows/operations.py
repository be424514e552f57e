"""What callers do with workflows: the built-in ones, which are read-only, and a company's own."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from services.testdata.traces.digest import digest
from services.testdata.traces.errors import WorkflowInvalid
from services.testdata.traces.workflow import Workflow
from services.testdata.workflows.errors import WorkflowBuiltIn, WorkflowExists
from services.testdata.workflows.model import PREFIX, StoredWorkflow
from services.testdata.workflows.reading import MAX_BYTES, Faults, Given, read
from services.testdata.workflows.store import WorkflowStore
from shared.clock import Clock
from shared.compute import Compute
from shared.errors import Violation
from shared.lists import Listed, Part, built_in_first
from shared.requests import RequestKey


class Workflows:
    """The operations on workflows. built_in: by name, such as `workflows/ecommerce`, in the order of lists."""

    def __init__(
        self, store: WorkflowStore, built_in: Mapping[str, StoredWorkflow], compute: Compute, clock: Clock
    ) -> None:
        self._store = store
        self._built_in = built_in
        self._compute = compute
        self._clock = clock

    async def resolve(self, company: str, source: Given | str, field: str) -> Workflow:
        """The workflow that a request means, checked and normalised.

        source: the workflow itself, or a name. field: the path of the source in the request.
        Raises WorkflowInvalid, WorkflowNotFound.
        """
        if isinstance(source, str):
            return (await self.get(company, source)).workflow
        found = await self._compute.run(read, source, field, reads=MAX_BYTES)
        if isinstance(found, Faults):
            faults = "a fault" if found.count == 1 else f"{found.count:,} faults"
            raise WorkflowInvalid(violations=found.listed, faults=faults)
        return found

    async def create(self, company: str, source: Given | str, name: str, key: RequestKey | None) -> StoredWorkflow:
        """Store a workflow. name: replaces the workflow's own name; "" keeps it.

        Raises WorkflowInvalid, WorkflowNotFound, WorkflowExists, RequestIdReused, ResultDeleted.
        """
        workflow = await self.resolve(company, source, "workflow")
        workflow = replace(workflow, name=name or workflow.name)
        if PREFIX + workflow.name in self._built_in:
            raise WorkflowExists(name=PREFIX + workflow.name)
        now = self._clock()
        return await self._store.create(company, StoredWorkflow(workflow, digest(workflow), False, now, now), key)

    async def get(self, company: str, name: str) -> StoredWorkflow:
        """The workflow, built in or the company's own. Raises WorkflowNotFound."""
        return self._built_in.get(name) or await self._store.get(company, name)

    async def page(self, company: str, part: Part) -> Listed[StoredWorkflow]:
        """A part of the list of the built-in workflows and then the company's own, newest first."""
        by_id = {one.workflow.name: one for one in self._built_in.values()}
        return await built_in_first(by_id, part, partial(self._store.page, company))

    async def update(self, company: str, name: str, source: Given | str) -> StoredWorkflow:
        """Replace a workflow's chain. Raises WorkflowInvalid, WorkflowNotFound, WorkflowBuiltIn."""
        if name in self._built_in:
            raise WorkflowBuiltIn(name=name)
        workflow = await self.resolve(company, source, "workflow")
        if PREFIX + workflow.name != name:
            sentence = f"The chain is named `{workflow.name}`; it must have the name of {name}."
            raise WorkflowInvalid(violations=[Violation("workflow", sentence)], faults="another name")
        now = self._clock()
        return await self._store.replace(company, StoredWorkflow(workflow, digest(workflow), False, now, now))

    async def delete(self, company: str, name: str) -> None:
        """Delete one of the company's workflows. Raises WorkflowNotFound, WorkflowBuiltIn."""
        if name in self._built_in:
            raise WorkflowBuiltIn(name=name)
        await self._store.delete(company, name)
