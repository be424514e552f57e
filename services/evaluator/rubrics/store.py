"""Stores rubrics and their revisions."""

from collections.abc import Mapping
from typing import Any

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
from shared.db.revisions import Kind, RevisionStore, resource_table, revision_table

rubrics = resource_table("rubrics", metadata)
rubric_revisions = revision_table("rubric_revisions", "rubric", metadata)


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
    make=Rubric,
    resources=rubrics,
    revisions=rubric_revisions,
    prefix=PREFIX,
    owner="rubric",
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
