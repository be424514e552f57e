"""Reads campaigns as they are sent. Runs in another process."""

from collections.abc import Sequence

from services.synthesizer.campaigns.formats import import_campaign
from services.synthesizer.campaigns.model import Content, ImportedContent
from shared.model.campaigns.model import Webhook
from shared.model.campaigns.reading import read_campaign
from shared.model.campaigns.writing import write_campaign


def read_content(content: bytes, file: str) -> Content:
    """The campaign in a file as it is stored. Raises BadYaml, CampaignInvalid."""
    campaign = read_campaign(content, file)
    return Content(campaign.display_name, campaign.description, len(campaign.steps), write_campaign(campaign))


def import_content(files: Sequence[tuple[bytes, str]], format_name: str) -> ImportedContent:
    """The campaign in the first of the files as it is stored. Raises what `import_campaign` raises."""
    imported, detected = import_campaign(files, format_name)
    written = write_campaign(imported.campaign)
    tools = dict.fromkeys(step.action.tool for step in imported.campaign.steps if isinstance(step.action, Webhook))
    return ImportedContent(
        content=read_content(written, files[0][1]),
        format=detected,
        parts=imported.parts,
        conditions=imported.conditions,
        evaluated=imported.evaluated,
        tools=[*tools],
    )
