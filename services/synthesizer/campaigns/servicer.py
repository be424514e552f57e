"""CampaignService."""

from greenroom.synthesizer.v1 import campaign_pb2 as pb
from greenroom.synthesizer.v1 import campaign_pb2_grpc
from services.synthesizer.campaigns.messages import campaign_message, file, import_message, revision_message
from services.synthesizer.campaigns.operations import Campaigns
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key


class CampaignServicer(campaign_pb2_grpc.CampaignServiceServicer):
    """Serves CampaignService."""

    def __init__(self, campaigns: Campaigns) -> None:
        self._campaigns = campaigns

    async def CreateCampaign(self, request: pb.CreateCampaignRequest, context: Context) -> pb.CreateCampaignResponse:
        key = request_key(request, "CreateCampaign")
        created, first = await self._campaigns.create(
            caller().company, file(request.file), request.external_id, ready=request.ready, key=key
        )
        return pb.CreateCampaignResponse(campaign=campaign_message(created), revision=revision_message(first))

    async def AddCampaignRevision(
        self, request: pb.AddCampaignRevisionRequest, context: Context
    ) -> pb.AddCampaignRevisionResponse:
        key = request_key(request, "AddCampaignRevision")
        added = await self._campaigns.add_revision(
            caller().company, request.campaign, file(request.file), ready=request.ready, key=key
        )
        return pb.AddCampaignRevisionResponse(revision=revision_message(added))

    async def UpdateCampaignRevision(
        self, request: pb.UpdateCampaignRevisionRequest, context: Context
    ) -> pb.UpdateCampaignRevisionResponse:
        updated = await self._campaigns.update_revision(
            caller().company, request.campaign, request.number, file(request.file)
        )
        return pb.UpdateCampaignRevisionResponse(revision=revision_message(updated))

    async def MarkCampaignReady(
        self, request: pb.MarkCampaignReadyRequest, context: Context
    ) -> pb.MarkCampaignReadyResponse:
        ready = await self._campaigns.mark_ready(caller().company, request.campaign, request.revision)
        return pb.MarkCampaignReadyResponse(revision=revision_message(ready))

    async def ImportCampaign(self, request: pb.ImportCampaignRequest, context: Context) -> pb.ImportCampaignResponse:
        imported = await self._campaigns.read_import([*map(file, request.files)], request.format)
        if request.dry_run:
            return import_message(imported)
        key = request_key(request, "ImportCampaign")
        stored = await self._campaigns.store_import(
            caller().company, imported, request.external_id, ready=request.ready, key=key
        )
        return import_message(imported, *stored)

    async def GetCampaign(self, request: pb.GetCampaignRequest, context: Context) -> pb.GetCampaignResponse:
        found, chosen = await self._campaigns.get(caller().company, request.name, request.revision)
        return pb.GetCampaignResponse(campaign=campaign_message(found), revision=revision_message(chosen))

    async def ListCampaigns(self, request: pb.ListCampaignsRequest, context: Context) -> pb.ListCampaignsResponse:
        page = read_page(request)
        found = await self._campaigns.page(caller().company, list_part(request, page), request.external_id)
        shown, token = cut([campaign_message(one) for one in found.items], page, before)
        return pb.ListCampaignsResponse(campaigns=shown, next_page_token=token, total_size=found.total)

    async def DeleteCampaignRevision(
        self, request: pb.DeleteCampaignRevisionRequest, context: Context
    ) -> pb.DeleteCampaignRevisionResponse:
        await self._campaigns.delete_revision(caller().company, request.campaign, request.revision)
        return pb.DeleteCampaignRevisionResponse()

    async def DeleteCampaign(self, request: pb.DeleteCampaignRequest, context: Context) -> pb.DeleteCampaignResponse:
        await self._campaigns.delete(caller().company, request.name)
        return pb.DeleteCampaignResponse()
