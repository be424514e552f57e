"""Campaigns and revisions as messages."""

from greenroom.synthesizer.v1 import campaign_pb2 as pb
from greenroom.type.v1.campaign_pb2 import CampaignFile
from services.synthesizer.campaigns.model import Campaign, ImportedContent, Revision, RevisionState
from services.synthesizer.tool_configs.messages import fill_tool_config
from services.synthesizer.tool_configs.model import ToolConfig, ToolMock
from shared.model.events import ToolAnswer
from shared.rpc.values import enum_number, timestamp


def campaign_message(campaign: Campaign) -> pb.Campaign:
    """The campaign as a message."""
    return pb.Campaign(
        name=campaign.name,
        display_name=campaign.display_name,
        description=campaign.description,
        external_id=campaign.external_id,
        latest_revision=campaign.latest_revision,
        latest_ready_revision=campaign.latest_ready_revision,
        create_time=timestamp(campaign.create_time),
    )


def revision_message(revision: Revision) -> pb.CampaignRevision:
    """The revision as a message."""
    return pb.CampaignRevision(
        campaign=revision.campaign,
        number=revision.number,
        state=enum_number(pb.CampaignRevision.State, "STATE", revision.state),
        content=revision.content.yaml,
        step_count=revision.content.steps,
        create_time=timestamp(revision.create_time),
        ready_time=timestamp(revision.ready_time),
    )


def import_message(
    imported: ImportedContent, campaign: Campaign | None = None, revision: Revision | None = None
) -> pb.ImportCampaignResponse:
    """What was imported as a message, with what was stored of it."""
    message = pb.ImportCampaignResponse(
        revision=revision_message(revision or Revision("", 0, RevisionState.DRAFT, imported.content)),
        format=imported.format,
        condition_count=imported.conditions,
        evaluated_count=imported.evaluated,
    )
    if campaign is not None:
        message.campaign.CopyFrom(campaign_message(campaign))
    for part in imported.parts:
        outcome = enum_number(pb.ImportedPart.Outcome, "OUTCOME", part.outcome)
        message.parts.add(name=part.name, kind=part.kind, outcome=outcome, steps=part.steps, reasons=part.reasons)
    mocks = tuple(ToolMock(tool, default=ToolAnswer({})) for tool in imported.tools)
    fill_tool_config(message.tools, ToolConfig(mocks))
    return message


def file(message: CampaignFile) -> tuple[bytes, str]:
    """The bytes and the name of a file."""
    return message.content, message.file
