"""Trace workflows: the chains that traces are generated from."""

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._listing import Listing
from greenroom.testdata.v1 import trace_workflow_pb2 as pb
from greenroom.testdata.v1.trace_workflow_pb2_grpc import TraceWorkflowServiceStub

Chain = str | pb.WorkflowSpec | pb.WorkflowSource
"""A workflow: its name, `workflows/{workflow}`, or the workflow itself; a source may also hold YAML."""


def source(chain: Chain) -> pb.WorkflowSource:
    """The source as a message."""
    match chain:
        case str():
            return pb.WorkflowSource(name=chain)
        case pb.WorkflowSpec():
            return pb.WorkflowSource(spec=chain)
        case _:
            return chain


class TraceWorkflows:
    """The calls of TraceWorkflowService. Names are `workflows/{workflow}`, by the names of the workflows."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = TraceWorkflowServiceStub(calls.channel)

    async def create(self, chain: Chain, *, name: str = "", request_id: str | None = None) -> pb.TraceWorkflow:
        """Store a workflow. name: replaces the workflow's own name, such as `my-shop`."""
        request = pb.CreateWorkflowRequest(
            workflow=source(chain), request_id=request_id or new_request_id(), **{"as": name}
        )
        return (await self._calls.unary(self._stub.CreateWorkflow, request)).workflow

    async def get(self, name: str) -> pb.GetWorkflowResponse:
        """One workflow, also as YAML."""
        return await self._calls.unary(self._stub.GetWorkflow, pb.GetWorkflowRequest(name=name))

    def list(self, *, short_id: str = "") -> Listing[pb.TraceWorkflow]:
        """The built-in workflows, then the company's own, newest first, without their chains.

        short_id: only those whose id begins or ends with it.
        """
        return self._calls.listing(
            self._stub.ListWorkflows, pb.ListWorkflowsRequest(short_id=short_id), lambda page: page.workflows
        )

    async def update(self, name: str, chain: Chain) -> pb.TraceWorkflow:
        """Replace a workflow's chain; its name stays."""
        request = pb.UpdateWorkflowRequest(name=name, workflow=source(chain))
        return (await self._calls.unary(self._stub.UpdateWorkflow, request)).workflow

    async def delete(self, name: str) -> None:
        """Remove a workflow; datasets keep their copies."""
        await self._calls.unary(self._stub.DeleteWorkflow, pb.DeleteWorkflowRequest(name=name), again=False)
