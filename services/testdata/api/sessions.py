"""The call of TraceService about one session."""

from greenroom.testdata.v1 import trace_call_pb2 as pb
from greenroom.testdata.v1 import trace_pb2_grpc
from services.testdata.api.convert.calls import call_message
from services.testdata.api.convert.parameters import parameters
from services.testdata.api.convert.workflow import source
from services.testdata.traces.sessions import check_fit, session
from services.testdata.traces.workflows import Workflows
from shared.auth import caller
from shared.compute import Compute
from shared.rpc.handlers import Context


class SessionCalls(trace_pb2_grpc.TraceServiceServicer):
    """Answers for single sessions."""

    _workflows: Workflows
    _compute: Compute

    async def GenerateSession(self, request: pb.GenerateSessionRequest, context: Context) -> pb.GenerateSessionResponse:
        chosen = parameters(request.parameters, "parameters")
        workflow = await self._workflows.resolve(caller().company, source(request.workflow), "workflow")
        check_fit(workflow, chosen, "parameters")
        calls = await session(self._compute, workflow, chosen, request.session or 1)
        return pb.GenerateSessionResponse(calls=map(call_message, calls))
