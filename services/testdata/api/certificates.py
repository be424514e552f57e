"""The call of TraceService about certificates."""

from greenroom.testdata.v1 import trace_certificate_pb2 as pb
from greenroom.testdata.v1 import trace_pb2_grpc
from services.testdata.api.convert.certificates import comparison_message
from services.testdata.api.convert.workflow import source
from services.testdata.traces.comparison import compare
from services.testdata.traces.learning.lifecycle import Learnings
from services.testdata.traces.workflows import Workflows
from shared.auth import caller
from shared.compute import Compute
from shared.rpc.handlers import Context


class CertificateCalls(trace_pb2_grpc.TraceServiceServicer):
    """Answers for certificates."""

    _workflows: Workflows
    _learnings: Learnings
    _compute: Compute

    async def CompareWorkflows(
        self, request: pb.CompareWorkflowsRequest, context: Context
    ) -> pb.CompareWorkflowsResponse:
        company = caller().company
        truth = await self._workflows.resolve(company, source(request.truth), "truth")
        learned = await self._learnings.learned(company, request.learning)
        return comparison_message(await self._compute.run(compare, truth, learned.evidence))
