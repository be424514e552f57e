"""Trace workflows: the chains that traces are generated from."""

from collections.abc import AsyncIterator

from greenroom.client._calls import Calls, new_request_id
from greenroom.testdata.v1 import trace_workflow_pb2 as pb
from greenroom.testdata.v1.trace_pb2_grpc import TraceServiceStub

Chain = str | pb.WorkflowSpec | pb.WorkflowSource
"""A workflow by name, `workflows/{workflow}`, or as it is; a source may also be YAML."""


def source(chain: Chain) -> pb.WorkflowSource:
    """The message that says which workflow."""
    match chain:
        case str():
            return pb.WorkflowSource(name=chain)
        case pb.WorkflowSpec():
            return pb.WorkflowSource(spec=chain)
        case _:
            return chain


class TraceWorkflows:
    """The calls of TraceService about workflows. Names are `workflows/{workflow}`, by the workflows' own names."""

    def __init__(self, calls: Calls, stub: TraceServiceStub) -> None:
        self._calls = calls
        self._stub = stub

    async def create(self, chain: Chain, *, name: str = "", request_id: str | None = None) -> pb.TraceWorkflow:
        """Keep a workflow. name: what to call it instead of what it calls itself, such as `my-shop`."""
        request = pb.CreateWorkflowRequest(
            workflow=source(chain), request_id=request_id or new_request_id(), **{"as": name}
        )
        return (await self._calls.unary(self._stub.CreateWorkflow, request)).workflow

    async def get(self, name: str) -> pb.GetWorkflowResponse:
        """One workflow, also as YAML."""
        return await self._calls.unary(self._stub.GetWorkflow, pb.GetWorkflowRequest(name=name))

    def list(self) -> AsyncIterator[pb.TraceWorkflow]:
        """The built-in workflows, then the company's own, without their chains."""
        return self._calls.pages(self._stub.ListWorkflows, pb.ListWorkflowsRequest(), lambda page: page.workflows)

    async def update(self, name: str, chain: Chain) -> pb.TraceWorkflow:
        """Replace a workflow's chain; it stays called as it is."""
        request = pb.UpdateWorkflowRequest(name=name, workflow=source(chain))
        return (await self._calls.unary(self._stub.UpdateWorkflow, request)).workflow

    async def delete(self, name: str) -> None:
        """Remove a workflow; datasets keep their copies."""
        await self._calls.unary(self._stub.DeleteWorkflow, pb.DeleteWorkflowRequest(name=name), again=False)
