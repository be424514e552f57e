"""Stores campaigns and their revisions."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Row, String, Table, UniqueConstraint

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
from shared.db.revisions import Kind, RevisionStore

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("external_id", String),  # NULL if there is none: NULLs are not equal in the unique constraint
    Column("display_name", String, nullable=False),
    Column("description", String, nullable=False),
    Column("latest_revision", Integer, nullable=False),
    Column("latest_ready_revision", Integer, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    UniqueConstraint("company", "external_id"),
    Index(None, "company", "id"),
)

campaign_revisions = Table(
    "campaign_revisions",
    metadata,
    Column("campaign", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("company", String, nullable=False),
    Column("state", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("ready_time", BigInteger, nullable=False),
)


def _row(campaign: Campaign) -> dict[str, object]:
    return {
        "display_name": campaign.display_name,
        "description": campaign.description,
        "latest_revision": campaign.latest_revision,
        "latest_ready_revision": campaign.latest_ready_revision,
        "create_time": campaign.create_time,
    }


def _read(row: Row[Any]) -> Campaign:
    return Campaign(
        name=PREFIX + row.id,
        display_name=row.display_name,
        description=row.description,
        external_id=row.external_id or "",
        latest_revision=row.latest_revision,
        latest_ready_revision=row.latest_ready_revision,
        create_time=row.create_time,
    )


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
    resources=campaigns,
    revisions=campaign_revisions,
    prefix=PREFIX,
    owner="campaign",
    row=_row,
    read=_read,
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
