"""Campaigns and revisions as messages."""

from greenroom.synthesizer.v1 import campaign_pb2 as pb
from greenroom.type.v1.campaign_pb2 import CampaignFile
from services.synthesizer.campaigns.model import Campaign, Revision
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


def file(message: CampaignFile) -> tuple[bytes, str]:
    """The bytes and the name of a file."""
    return message.content, message.file
