"""Reads campaigns as they are sent. Runs in another process."""

from services.synthesizer.campaigns.model import Content
from shared.model.campaigns.reading import read_campaign
from shared.model.campaigns.writing import write_campaign


def read_content(content: bytes, file: str) -> Content:
    """The campaign in a file as it is stored. Raises BadYaml, CampaignInvalid."""
    campaign = read_campaign(content, file)
    return Content(campaign.display_name, campaign.description, len(campaign.steps), write_campaign(campaign))
