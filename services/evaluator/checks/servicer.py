"""CampaignCheckService."""

from greenroom.evaluator.v1 import campaign_check_pb2 as pb
from greenroom.evaluator.v1 import campaign_check_pb2_grpc
from services.evaluator.checks.check import Checked
from services.evaluator.checks.operations import CampaignChecks
from services.evaluator.checks.reviews.model import Review
from shared.auth import caller
from shared.rpc.events import usage_message
from shared.rpc.handlers import Context
from shared.rpc.values import enum_number


class CampaignCheckServicer(campaign_check_pb2_grpc.CampaignCheckServiceServicer):
    """Answers calls about checks of campaigns."""

    def __init__(self, checks: CampaignChecks) -> None:
        self._checks = checks

    async def CheckCampaign(self, request: pb.CheckCampaignRequest, context: Context) -> pb.CheckCampaignResponse:
        if request.WhichOneof("campaign") == "file":
            checked, review = await self._checks.of_file(
                caller(), request.file.content, request.file.file, request.model
            )
            return _response(checked, review)
        found = await self._checks.of_stored(caller(), request.name, request.revision, request.model)
        number, checked, review = found
        return _response(checked, review, request.name, number)


def _response(checked: Checked, review: Review, campaign: str = "", revision: int = 0) -> pb.CheckCampaignResponse:
    issues = [
        pb.CampaignIssue(
            severity=enum_number(pb.CampaignIssue.Severity, "SEVERITY", issue.severity.upper()),
            type=issue.type,
            step=issue.step,
            sentence=issue.sentence,
            fix=issue.fix,
        )
        for issue in (*checked.issues, *review.issues)
    ]
    return pb.CheckCampaignResponse(
        valid=checked.valid,
        score=checked.score,
        issues=issues,
        issue_count=checked.count + len(review.issues),
        campaign=campaign,
        revision=revision,
        notes=review.notes,
        usage=usage_message(review.usage),
    )
