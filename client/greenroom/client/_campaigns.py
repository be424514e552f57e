"""Campaigns: message workflows, in revisions, and checks of them."""

from pathlib import Path

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._listing import Listing
from greenroom.evaluator.v1 import campaign_check_pb2
from greenroom.evaluator.v1.campaign_check_pb2_grpc import CampaignCheckServiceStub
from greenroom.synthesizer.v1 import campaign_pb2 as pb
from greenroom.synthesizer.v1.campaign_pb2_grpc import CampaignServiceStub
from greenroom.type.v1.campaign_pb2 import CampaignFile


class Campaigns:
    """The calls of CampaignService and CampaignCheckService. Names are `campaigns/{campaign}`; files YAML or JSON."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = CampaignServiceStub(calls.channel)
        self._checks = CampaignCheckServiceStub(calls.channel)

    async def create(
        self, path: str | Path, *, external_id: str = "", ready: bool = False, request_id: str | None = None
    ) -> pb.CreateCampaignResponse:
        """Store the campaign in a file with its first revision, a draft unless ready."""
        request = pb.CreateCampaignRequest(
            file=_file(path), external_id=external_id, ready=ready, request_id=request_id or new_request_id()
        )
        return await self._calls.unary(self._stub.CreateCampaign, request)

    async def import_files(
        self,
        *paths: str | Path,
        format: str = "",  # noqa: A002
        dry_run: bool = False,
        external_id: str = "",
        ready: bool = False,
        request_id: str | None = None,
    ) -> pb.ImportCampaignResponse:
        """Store the campaign that another product exported to the first file; the others are files beside it.

        format: `greenroom`, `n8n` or `dittofeed`; "" to detect it. dry_run: store nothing.
        """
        request = pb.ImportCampaignRequest(
            files=[_file(path) for path in paths],
            format=format,
            dry_run=dry_run,
            external_id=external_id,
            ready=ready,
            request_id=request_id or new_request_id(),
        )
        return await self._calls.unary(self._stub.ImportCampaign, request)

    async def add_revision(
        self, campaign: str, path: str | Path, *, ready: bool = False, request_id: str | None = None
    ) -> pb.CampaignRevision:
        """Add the campaign in a file as the next revision, a draft unless ready."""
        request = pb.AddCampaignRevisionRequest(
            campaign=campaign, file=_file(path), ready=ready, request_id=request_id or new_request_id()
        )
        return (await self._calls.unary(self._stub.AddCampaignRevision, request)).revision

    async def update_revision(self, campaign: str, number: int, path: str | Path) -> pb.CampaignRevision:
        """Replace the content of a draft by the campaign in a file."""
        request = pb.UpdateCampaignRevisionRequest(campaign=campaign, number=number, file=_file(path))
        return (await self._calls.unary(self._stub.UpdateCampaignRevision, request)).revision

    async def mark_ready(self, campaign: str, revision: int) -> pb.CampaignRevision:
        """Make a revision ready, if it is not; it cannot change after that."""
        request = pb.MarkCampaignReadyRequest(campaign=campaign, revision=revision)
        return (await self._calls.unary(self._stub.MarkCampaignReady, request)).revision

    async def get(self, name: str, *, revision: int = 0) -> pb.GetCampaignResponse:
        """A campaign and one of its revisions, 0 for the newest."""
        return await self._calls.unary(self._stub.GetCampaign, pb.GetCampaignRequest(name=name, revision=revision))

    def list(self, *, external_id: str = "", short_id: str = "") -> Listing[pb.Campaign]:
        """The campaigns, newest first. short_id: only those whose id begins or ends with it."""
        request = pb.ListCampaignsRequest(external_id=external_id, short_id=short_id)
        return self._calls.listing(self._stub.ListCampaigns, request, lambda page: page.campaigns)

    async def delete_revision(self, campaign: str, revision: int) -> None:
        """Delete a revision for good."""
        request = pb.DeleteCampaignRevisionRequest(campaign=campaign, revision=revision)
        await self._calls.unary(self._stub.DeleteCampaignRevision, request, again=False)

    async def delete(self, name: str) -> None:
        """Delete a campaign with its revisions, for good."""
        await self._calls.unary(self._stub.DeleteCampaign, pb.DeleteCampaignRequest(name=name), again=False)

    async def check_file(self, path: str | Path, *, model: str = "") -> campaign_check_pb2.CheckCampaignResponse:
        """What is wrong with the campaign in a file, by rules; nothing is stored. model: adds its view; "" for none."""
        request = campaign_check_pb2.CheckCampaignRequest(file=_file(path), model=model)
        return await self._calls.unary(self._checks.CheckCampaign, request)

    async def check(self, name: str, *, revision: int = 0, model: str = "") -> campaign_check_pb2.CheckCampaignResponse:
        """What is wrong with a revision of a stored campaign, 0 for the newest, by rules. model: adds its view."""
        request = campaign_check_pb2.CheckCampaignRequest(name=name, revision=revision, model=model)
        return await self._calls.unary(self._checks.CheckCampaign, request)


def _file(path: str | Path) -> CampaignFile:
    return CampaignFile(content=Path(path).read_bytes(), file=Path(path).name)
