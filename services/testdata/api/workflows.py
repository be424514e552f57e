"""The calls of TraceService about workflows."""

from greenroom.testdata.v1 import trace_pb2_grpc
from greenroom.testdata.v1 import trace_workflow_pb2 as pb
from services.testdata.api.convert.workflow import kept_message, source
from services.testdata.traces.workflow_yaml import write_yaml
from services.testdata.traces.workflows import Workflows
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import after_id, cut
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key


class WorkflowCalls(trace_pb2_grpc.TraceServiceServicer):
    """Answers for workflows."""

    _workflows: Workflows

    async def CreateWorkflow(self, request: pb.CreateWorkflowRequest, context: Context) -> pb.CreateWorkflowResponse:
        key = request_key(request, "CreateWorkflow")
        created = await self._workflows.create(caller().company, source(request.workflow), getattr(request, "as"), key)
        return pb.CreateWorkflowResponse(workflow=kept_message(created))

    async def GetWorkflow(self, request: pb.GetWorkflowRequest, context: Context) -> pb.GetWorkflowResponse:
        found = await self._workflows.get(caller().company, request.name)
        return pb.GetWorkflowResponse(workflow=kept_message(found), yaml=write_yaml(found.workflow))

    async def ListWorkflows(self, request: pb.ListWorkflowsRequest, context: Context) -> pb.ListWorkflowsResponse:
        page = read_page(request)
        found = await self._workflows.page(caller().company, after_id(page), page.size + 1)
        messages = [kept_message(one, whole=False) for one in found]
        shown, token = cut(messages, page, lambda message: message.name)
        return pb.ListWorkflowsResponse(workflows=shown, next_page_token=token)

    async def UpdateWorkflow(self, request: pb.UpdateWorkflowRequest, context: Context) -> pb.UpdateWorkflowResponse:
        updated = await self._workflows.update(caller().company, request.name, source(request.workflow))
        return pb.UpdateWorkflowResponse(workflow=kept_message(updated))

    async def DeleteWorkflow(self, request: pb.DeleteWorkflowRequest, context: Context) -> pb.DeleteWorkflowResponse:
        await self._workflows.delete(caller().company, request.name)
        return pb.DeleteWorkflowResponse()
