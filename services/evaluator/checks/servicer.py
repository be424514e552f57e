"""CampaignCheckService."""

from greenroom.evaluator.v1 import campaign_check_pb2 as pb
from greenroom.evaluator.v1 import campaign_check_pb2_grpc
from services.evaluator.checks.check import Checked
from services.evaluator.checks.operations import CampaignChecks
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.values import enum_number


class CampaignCheckServicer(campaign_check_pb2_grpc.CampaignCheckServiceServicer):
    """Answers calls about checks of campaigns."""

    def __init__(self, checks: CampaignChecks) -> None:
        self._checks = checks

    async def CheckCampaign(self, request: pb.CheckCampaignRequest, context: Context) -> pb.CheckCampaignResponse:
        if request.WhichOneof("campaign") == "file":
            return _response(await self._checks.of_file(request.file.content, request.file.file))
        number, checked = await self._checks.of_stored(caller(), request.name, request.revision)
        return _response(checked, request.name, number)


def _response(checked: Checked, campaign: str = "", revision: int = 0) -> pb.CheckCampaignResponse:
    issues = [
        pb.CampaignIssue(
            severity=enum_number(pb.CampaignIssue.Severity, "SEVERITY", issue.severity.upper()),
            type=issue.type,
            step=issue.step,
            sentence=issue.sentence,
            fix=issue.fix,
        )
        for issue in checked.issues
    ]
    return pb.CheckCampaignResponse(
        valid=checked.valid,
        score=checked.score,
        issues=issues,
        issue_count=checked.count,
        campaign=campaign,
        revision=revision,
    )
