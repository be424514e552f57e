"""Reports: verdicts with their evidence, about one evaluation or two."""

from collections.abc import AsyncGenerator

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._listing import Listing
from greenroom.evaluator.v1 import campaign_report_pb2
from greenroom.evaluator.v1 import report_pb2 as pb
from greenroom.evaluator.v1.report_pb2_grpc import ReportServiceStub


class Reports:
    """The calls of ReportService. Names are `reports/{report}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = ReportServiceStub(calls.channel)

    async def build(self, spec: pb.ReportSpec, *, request_id: str | None = None) -> pb.Report:
        """Compute a report from one completed evaluation, or compare two."""
        request = pb.BuildReportRequest(spec=spec, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.BuildReport, request)).report

    async def get(self, name: str) -> pb.Report:
        """One report."""
        return (await self._calls.unary(self._stub.GetReport, pb.GetReportRequest(name=name))).report

    def list(self, *, evaluation: str = "", short_id: str = "") -> Listing[pb.Report]:
        """The reports, newest first, without their details. evaluation: only those about it, as either side.

        short_id: only those whose id begins or ends with it.
        """
        request = pb.ListReportsRequest(evaluation=evaluation, short_id=short_id)
        return self._calls.listing(self._stub.ListReports, request, lambda page: page.reports)

    async def render(
        self, name: str, form: pb.RenderReportRequest.Format.ValueType = pb.RenderReportRequest.FORMAT_HTML
    ) -> AsyncGenerator[bytes, None]:
        """The report as a file of a form, in chunks."""
        request = pb.RenderReportRequest(name=name, format=form)
        async for message in self._calls.streamed(self._stub.RenderReport, request):
            yield message.chunk

    async def report_campaign(
        self, request: campaign_report_pb2.ReportCampaignRequest
    ) -> tuple[campaign_report_pb2.CampaignReport, bytes]:
        """A report on a campaign and its simulated conversations, without its contacts, and its file."""
        report, file = campaign_report_pb2.CampaignReport(), bytearray()
        async for message in self._calls.streamed(self._stub.ReportCampaign, request):
            if message.HasField("report"):
                report = message.report
            file += message.chunk
        return report, bytes(file)

    async def delete(self, name: str) -> None:
        """Delete a report; its evaluations stay."""
        await self._calls.unary(self._stub.DeleteReport, pb.DeleteReportRequest(name=name), again=False)
