"""ReportService."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from greenroom.evaluator.v1 import campaign_report_pb2, report_pb2_grpc
from greenroom.evaluator.v1 import report_pb2 as pb
from services.evaluator.reports.campaigns import messages as campaigns
from services.evaluator.reports.campaigns.operations import CampaignReports
from services.evaluator.reports.messages import read_spec, report_json, report_message
from services.evaluator.reports.operations import Reports
from shared.auth import caller
from shared.limits import MIB
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.rpc.values import enum_value


class ReportServicer(report_pb2_grpc.ReportServiceServicer):
    """Answers calls about reports."""

    def __init__(self, reports: Reports, campaign_reports: CampaignReports) -> None:
        self._reports = reports
        self._campaign_reports = campaign_reports

    async def BuildReport(self, request: pb.BuildReportRequest, context: Context) -> pb.BuildReportResponse:
        key = request_key(request, "BuildReport")
        return pb.BuildReportResponse(
            report=report_message(await self._reports.build(read_spec(request.spec), caller(), key))
        )

    async def GetReport(self, request: pb.GetReportRequest, context: Context) -> pb.GetReportResponse:
        return pb.GetReportResponse(report=report_message(await self._reports.get(caller().company, request.name)))

    async def ListReports(self, request: pb.ListReportsRequest, context: Context) -> pb.ListReportsResponse:
        page = read_page(request)
        found = await self._reports.page(caller().company, list_part(request, page), request.evaluation)
        shown, token = cut([report_message(one) for one in found.items], page, before)
        return pb.ListReportsResponse(reports=shown, next_page_token=token, total_size=found.total)

    async def RenderReport(
        self, request: pb.RenderReportRequest, context: Context
    ) -> AsyncIterator[pb.RenderReportResponse]:
        report = await self._reports.get(caller().company, request.name)
        file_format = enum_value(pb.RenderReportRequest.Format, "FORMAT", request.format) or "HTML"
        json = file_format == "JSON"
        text = report_json(report) if json else await self._reports.render(report, file_format, caller())
        for chunk in _chunks(text):
            yield pb.RenderReportResponse(chunk=chunk)

    async def DeleteReport(self, request: pb.DeleteReportRequest, context: Context) -> pb.DeleteReportResponse:
        await self._reports.delete(caller().company, request.name)
        return pb.DeleteReportResponse()

    async def ReportCampaign(
        self, request: campaign_report_pb2.ReportCampaignRequest, context: Context
    ) -> AsyncIterator[campaign_report_pb2.ReportCampaignResponse]:
        spec, batch, names = campaigns.read_spec(request), request.batch, request.conversations
        reports, own = self._campaign_reports, caller()
        if request.WhichOneof("campaign") == "file":
            report = await reports.of_file(own, request.file.content, request.file.file, batch, names, spec)
        else:
            report = await reports.of_stored(own, request.name, request.revision, batch, names, spec)
        file_format = enum_value(campaign_report_pb2.ReportCampaignRequest.Format, "FORMAT", request.format) or "HTML"
        if file_format == "JSON":
            text = await asyncio.to_thread(campaigns.report_json, report)
        else:
            text = await reports.render(report, file_format)
        yield campaign_report_pb2.ReportCampaignResponse(report=campaigns.report_message(report))
        for chunk in _chunks(text):
            yield campaign_report_pb2.ReportCampaignResponse(chunk=chunk)


def _chunks(text: str) -> Iterator[bytes]:
    """The text as UTF-8 in pieces that fit a message."""
    file = text.encode()
    return (file[start : start + MIB] for start in range(0, len(file), MIB))
