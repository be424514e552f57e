"""Stores campaigns and their revisions."""

from collections.abc import Mapping
from typing import Any

from services.synthesizer.campaigns.errors import (
    CampaignExternalIdTaken,
    CampaignNotFound,
    CampaignRevisionNotFound,
    CampaignRevisionReady,
    OnlyCampaignRevision,
)
from services.synthesizer.campaigns.model import PREFIX, Campaign, Content, Revision, RevisionState
from services.synthesizer.store import claim, metadata
from shared.db.documents import dump_document, load_document
from shared.db.engine import Database
from shared.db.revisions import Kind, RevisionStore, resource_table, revision_table

campaigns = resource_table("campaigns", metadata)
campaign_revisions = revision_table("campaign_revisions", "campaign", metadata)


def _document(revision: Revision) -> bytes:
    content = revision.content
    return dump_document(
        {
            "display_name": content.display_name,
            "description": content.description,
            "steps": content.steps,
            "yaml": content.yaml.decode(),
        }
    )


def _read_revision(values: Mapping[str, Any]) -> Revision:
    stored = load_document(values["document"])
    return Revision(
        campaign=PREFIX + values["campaign"],
        number=values["number"],
        state=RevisionState(values["state"]),
        content=Content(stored["display_name"], stored["description"], stored["steps"], stored["yaml"].encode()),
        create_time=values["create_time"],
        ready_time=values["ready_time"],
    )


def _told(revision: Revision) -> dict[str, object]:
    return {"display_name": revision.content.display_name, "description": revision.content.description}


_KIND = Kind[Campaign, Revision](
    make=Campaign,
    resources=campaigns,
    revisions=campaign_revisions,
    prefix=PREFIX,
    owner="campaign",
    document=_document,
    read_revision=_read_revision,
    told=_told,
    not_found=CampaignNotFound,
    no_revision=CampaignRevisionNotFound,
    ready=CampaignRevisionReady,
    only=OnlyCampaignRevision,
    taken=CampaignExternalIdTaken,
)


class CampaignStore(RevisionStore[Campaign, Revision]):
    """A company's campaigns."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, _KIND, claim)
