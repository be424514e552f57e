"""Stores rubrics and their revisions."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Row, String, Table, UniqueConstraint

from services.evaluator.rubrics.errors import (
    OnlyRubricRevision,
    RubricExternalIdTaken,
    RubricNotFound,
    RubricRevisionNotFound,
    RubricRevisionReady,
)
from services.evaluator.rubrics.model import PREFIX, Content, Revision, RevisionState, Rubric
from services.evaluator.store import claim, metadata
from shared.db.documents import dump_document, load_document
from shared.db.engine import Database
from shared.db.revisions import Kind, RevisionStore

rubrics = Table(
    "rubrics",
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

rubric_revisions = Table(
    "rubric_revisions",
    metadata,
    Column("rubric", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("company", String, nullable=False),
    Column("state", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("ready_time", BigInteger, nullable=False),
)


def _row(rubric: Rubric) -> dict[str, object]:
    return {
        "display_name": rubric.display_name,
        "description": rubric.description,
        "latest_revision": rubric.latest_revision,
        "latest_ready_revision": rubric.latest_ready_revision,
        "create_time": rubric.create_time,
    }


def _read(row: Row[Any]) -> Rubric:
    return Rubric(
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
            "criteria": [*content.criteria],
            "yaml": content.yaml.decode(),
        }
    )


def _read_revision(values: Mapping[str, Any]) -> Revision:
    stored = load_document(values["document"])
    return Revision(
        rubric=PREFIX + values["rubric"],
        number=values["number"],
        state=RevisionState(values["state"]),
        content=Content(
            stored["display_name"], stored["description"], tuple(stored["criteria"]), stored["yaml"].encode()
        ),
        create_time=values["create_time"],
        ready_time=values["ready_time"],
    )


def _told(revision: Revision) -> dict[str, object]:
    return {"display_name": revision.content.display_name, "description": revision.content.description}


_KIND = Kind[Rubric, Revision](
    resources=rubrics,
    revisions=rubric_revisions,
    prefix=PREFIX,
    owner="rubric",
    row=_row,
    read=_read,
    document=_document,
    read_revision=_read_revision,
    told=_told,
    not_found=RubricNotFound,
    no_revision=RubricRevisionNotFound,
    ready=RubricRevisionReady,
    only=OnlyRubricRevision,
    taken=RubricExternalIdTaken,
)


class RubricStore(RevisionStore[Rubric, Revision]):
    """A company's rubrics."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, _KIND, claim)
