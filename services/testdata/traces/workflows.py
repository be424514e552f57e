"""Workflows: the built-in ones, which are read-only, and a company's own."""

from collections.abc import Mapping
from dataclasses import replace

from services.testdata.ports import Clock, WorkflowStore
from services.testdata.traces.digest import digest
from services.testdata.traces.errors import WorkflowBuiltIn, WorkflowExists, WorkflowInvalid
from services.testdata.traces.kept import PREFIX, KeptWorkflow
from services.testdata.traces.reading import Faults, Given, read
from services.testdata.traces.workflow import Workflow
from shared.compute import Compute
from shared.errors import Violation
from shared.requests import RequestKey


class Workflows:
    """What can be done with workflows.

    built_in: by name such as `workflows/ecommerce`, in the order in which they are listed.
    """

    def __init__(
        self, store: WorkflowStore, built_in: Mapping[str, KeptWorkflow], compute: Compute, clock: Clock
    ) -> None:
        self._store = store
        self._built_in = built_in
        self._compute = compute
        self._clock = clock

    async def resolve(self, company: str, source: Given | str, field: str) -> Workflow:
        """The workflow that a call means, right and normalised.

        source: one that comes with the call, or a name. field: the path of the field that says so.
        Raises WorkflowInvalid, WorkflowNotFound.
        """
        if isinstance(source, str):
            return (await self.get(company, source)).workflow
        found = await self._compute.run(read, source, field)
        if isinstance(found, Faults):
            faults = "a fault" if found.count == 1 else f"{found.count:,} faults"
            raise WorkflowInvalid(violations=found.listed, faults=faults)
        return found

    async def create(self, company: str, source: Given | str, name: str, key: RequestKey | None) -> KeptWorkflow:
        """Keep a workflow. name: what to call it, "" for what it is called.

        Raises WorkflowInvalid, WorkflowNotFound, WorkflowExists, RequestIdReused, ResultDeleted.
        """
        workflow = await self.resolve(company, source, "workflow")
        workflow = replace(workflow, name=name or workflow.name)
        if PREFIX + workflow.name in self._built_in:
            raise WorkflowExists(name=PREFIX + workflow.name)
        now = self._clock()
        return await self._store.create(company, KeptWorkflow(workflow, digest(workflow), False, now, now), key)

    async def get(self, company: str, name: str) -> KeptWorkflow:
        """The workflow, built in or the company's own. Raises WorkflowNotFound."""
        return self._built_in.get(name) or await self._store.get(company, name)

    async def page(self, company: str, after: str, limit: int) -> list[KeptWorkflow]:
        """Up to limit workflows behind the one with the name after: the built-in ones, then the company's by name."""
        names = list(self._built_in)
        if after and after not in self._built_in:
            return await self._store.page(company, after, limit)
        start = names.index(after) + 1 if after else 0
        built_in = [self._built_in[name] for name in names[start : start + limit]]
        return built_in + await self._store.page(company, "", limit - len(built_in))

    async def update(self, company: str, name: str, source: Given | str) -> KeptWorkflow:
        """Replace a workflow's chain. Raises WorkflowInvalid, WorkflowNotFound, WorkflowBuiltIn."""
        if name in self._built_in:
            raise WorkflowBuiltIn(name=name)
        workflow = await self.resolve(company, source, "workflow")
        if PREFIX + workflow.name != name:
            sentence = f"The chain is called `{workflow.name}`; it must have the name of {name}."
            raise WorkflowInvalid(violations=[Violation("workflow", sentence)], faults="another name")
        now = self._clock()
        return await self._store.replace(company, KeptWorkflow(workflow, digest(workflow), False, now, now))

    async def delete(self, company: str, name: str) -> None:
        """Raises WorkflowNotFound, WorkflowBuiltIn."""
        if name in self._built_in:
            raise WorkflowBuiltIn(name=name)
        await self._store.delete(company, name)
