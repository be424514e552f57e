"""TraceWorkflowService."""

from greenroom.testdata.v1 import trace_workflow_pb2 as pb
from greenroom.testdata.v1 import trace_workflow_pb2_grpc
from services.testdata.traces.workflow_yaml import write_yaml
from services.testdata.workflows.messages import source, stored_message
from services.testdata.workflows.operations import Workflows
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key


class WorkflowServicer(trace_workflow_pb2_grpc.TraceWorkflowServiceServicer):
    """Answers calls about workflows."""

    def __init__(self, workflows: Workflows) -> None:
        self._workflows = workflows

    async def CreateWorkflow(self, request: pb.CreateWorkflowRequest, context: Context) -> pb.CreateWorkflowResponse:
        key = request_key(request, "CreateWorkflow")
        created = await self._workflows.create(caller().company, source(request.workflow), getattr(request, "as"), key)
        return pb.CreateWorkflowResponse(workflow=stored_message(created))

    async def GetWorkflow(self, request: pb.GetWorkflowRequest, context: Context) -> pb.GetWorkflowResponse:
        found = await self._workflows.get(caller().company, request.name)
        return pb.GetWorkflowResponse(workflow=stored_message(found), yaml=write_yaml(found.workflow))

    async def ListWorkflows(self, request: pb.ListWorkflowsRequest, context: Context) -> pb.ListWorkflowsResponse:
        page = read_page(request)
        found = await self._workflows.page(caller().company, list_part(request, page))
        messages = [stored_message(one, whole=False) for one in found.items]
        shown, token = cut(messages, page, lambda message: before(message, message.create_time.ToMilliseconds()))
        return pb.ListWorkflowsResponse(workflows=shown, next_page_token=token, total_size=found.total)

    async def UpdateWorkflow(self, request: pb.UpdateWorkflowRequest, context: Context) -> pb.UpdateWorkflowResponse:
        updated = await self._workflows.update(caller().company, request.name, source(request.workflow))
        return pb.UpdateWorkflowResponse(workflow=stored_message(updated))

    async def DeleteWorkflow(self, request: pb.DeleteWorkflowRequest, context: Context) -> pb.DeleteWorkflowResponse:
        await self._workflows.delete(caller().company, request.name)
        return pb.DeleteWorkflowResponse()
