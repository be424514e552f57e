"""TraceCertificateService."""

from greenroom.testdata.v1 import trace_certificate_pb2 as pb
from greenroom.testdata.v1 import trace_certificate_pb2_grpc
from services.testdata.certificates.messages import comparison_message
from services.testdata.learnings.operations import Learnings
from services.testdata.traces.comparison import compare
from services.testdata.workflows.messages import source
from services.testdata.workflows.operations import Workflows
from shared.auth import caller
from shared.compute import Compute
from shared.rpc.handlers import Context


class CertificateServicer(trace_certificate_pb2_grpc.TraceCertificateServiceServicer):
    """Answers calls about certificates."""

    def __init__(self, workflows: Workflows, learnings: Learnings, compute: Compute) -> None:
        self._workflows = workflows
        self._learnings = learnings
        self._compute = compute

    async def CompareWorkflows(
        self, request: pb.CompareWorkflowsRequest, context: Context
    ) -> pb.CompareWorkflowsResponse:
        company = caller().company
        truth = await self._workflows.resolve(company, source(request.truth), "truth")
        learned = await self._learnings.learned(company, request.learning)
        return comparison_message(await self._compute.run(compare, truth, learned.evidence))
