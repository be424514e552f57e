"""Stores procedures and their revisions."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.errors import StillReferredTo
from services.synthesizer.imports.model import Outcome, Stored
from services.synthesizer.procedures.errors import (
    OnlyRevision,
    ProcedureExternalIdTaken,
    ProcedureNotFound,
    RevisionNotFound,
    RevisionReady,
)
from services.synthesizer.procedures.model import Domain, NewProcedure, Procedure, Revision, RevisionState
from services.synthesizer.store import claim, earlier, metadata
from shared.db.documents import dump_document, load_document
from shared.db.engine import Database
from shared.db.revisions import DELETED, Kind, RevisionStore, resource_table, revision_table
from shared.model.events import Json
from shared.model.steps import Tool, read_step, step_json
from shared.requests import RequestKey

procedures = resource_table("procedures", metadata)
revisions = revision_table("revisions", "procedure", metadata)


PREFIX = "procedures/"

RevisionReferring = Callable[[AsyncConnection, str, str, int], Awaitable[str | None]]
"""(connection, company, procedure's id, revision's number or 0) → what refers to it, as the rest of a sentence."""


class ProcedureStore(RevisionStore[Procedure, Revision]):
    """A company's procedures."""

    def __init__(self, db: Database, referring: RevisionReferring) -> None:
        async def refuse(conn: AsyncConnection, company: str, name: str, number: int) -> None:
            by = await referring(conn, company, name.removeprefix(PREFIX), number)
            if by is not None:
                raise StillReferredTo(name=f"revision {number} of {name}" if number else name, by=by)

        super().__init__(db, replace(_KIND, refuse=refuse), claim)

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """What the request stored before; None if it is new. Raises RequestIdReused."""
        return await earlier(self._db, company, key)

    async def exported(self, company: str, after: str, limit: int) -> list[tuple[Procedure, Revision]]:
        """Up to `limit` procedures with their newest READY revisions, oldest first, starting after the name `after`."""
        rows = (
            select(*procedures.c, *(column.label(f"revision_{column.name}") for column in revisions.c))
            .join(
                revisions,
                (revisions.c.procedure == procedures.c.id) & (revisions.c.number == procedures.c.latest_ready_revision),
            )
            .where(procedures.c.company == company, procedures.c.id > after.removeprefix(PREFIX))
            .order_by(procedures.c.id)
            .limit(limit)
        )
        return [_exported(row) for row in await self._db.fetch(rows)]

    async def add(self, company: str, new: Sequence[NewProcedure]) -> list[Stored]:
        """Store imported procedures in one transaction; returns the outcome of each, in their order."""

        async def work(conn: AsyncConnection) -> list[Stored]:
            return [Stored(await _import(conn, company, one.procedure, one.revision)) for one in new]

        return await self._db.writer.run(work)


async def hold_revision(conn: AsyncConnection, company: str, key: str, number: int) -> None:
    """Lock a revision until this transaction refers to it. Raises ProcedureNotFound, RevisionNotFound."""
    held = select(procedures.c.latest_revision).where(procedures.c.company == company, procedures.c.id == key)
    latest = await conn.scalar(held.with_for_update(read=True, key_share=True))
    if latest is None:
        raise ProcedureNotFound(name=PREFIX + key)
    there = select(revisions.c.number).where(_of(key), revisions.c.number == number, revisions.c.state != DELETED)
    if await conn.scalar(there) is None:
        raise RevisionNotFound(name=PREFIX + key, revision=number, latest=latest)


async def _import(conn: AsyncConnection, company: str, new: Procedure, revision: Revision) -> Outcome:
    """Store an imported procedure, unless there is one with its external id, or whose name is its external id."""
    named = procedures.c.external_id == new.external_id
    if new.external_id.startswith(PREFIX):  # exports use the name of a procedure that has no external id
        named |= procedures.c.id == new.external_id.removeprefix(PREFIX)
    elif await _KIND.insert(conn, company, new, revision):
        return Outcome.IMPORTED
    row = (await conn.execute(select(procedures).where(procedures.c.company == company, named))).first()
    if row is None:
        return Outcome.IMPORTED if await _KIND.insert(conn, company, new, revision) else Outcome.TAKEN
    there = _KIND.read(row)
    if (there.display_name, there.description) != (new.display_name, new.description):
        return Outcome.TAKEN
    documents = select(revisions.c.document).where(_of(there.name), revisions.c.state != DELETED)
    content = read_content(revision_json(revision))
    known = [unpack_revision(document) for document in await conn.scalars(documents)]
    return Outcome.UNCHANGED if content in known else Outcome.TAKEN


def _of(procedure: str) -> ColumnElement[bool]:
    return revisions.c.procedure == procedure.removeprefix(PREFIX)


def _read_revision(values: Mapping[str, Any]) -> Revision:
    return Revision(
        procedure=PREFIX + values["procedure"],
        number=values["number"],
        state=RevisionState(values["state"]),
        create_time=values["create_time"],
        ready_time=values["ready_time"],
        **unpack_revision(values["document"]),
    )


def _exported(row: Row[Any]) -> tuple[Procedure, Revision]:
    """A procedure, and the revision in the columns with the prefix `revision_`."""
    columns = {
        name.removeprefix("revision_"): row._mapping[name] for name in row._mapping if name.startswith("revision_")
    }
    return _KIND.read(row), _read_revision(columns)


def revision_json(revision: Revision) -> dict[str, Json]:
    """The revision's content (instructions, steps, tools, expectations and domain) as a JSON object."""
    expected = {"expectations": list(revision.expectations)} if revision.expectations else {}
    domain = {"domain": asdict(revision.domain)} if revision.domain else {}
    return {
        **expected,
        **domain,
        "instructions": revision.instructions,
        "steps": [step_json(step) for step in revision.steps],
        "tools": [asdict(tool) for tool in revision.tools],
    }


def read_content(record: Mapping[str, Json]) -> dict[str, Any]:
    """The inverse of `revision_json`, as keyword arguments of `Revision`."""
    return {
        "instructions": record["instructions"],
        "steps": tuple(read_step(step) for step in record["steps"]),
        "tools": tuple(Tool(**tool) for tool in record["tools"]),
        "expectations": tuple(record.get("expectations", ())),
        "domain": Domain(**record["domain"]) if "domain" in record else None,
    }


def pack_revision(revision: Revision) -> bytes:
    """The revision's content as it is stored."""
    return dump_document(revision_json(revision))


def unpack_revision(document: bytes) -> dict[str, Any]:
    """The content that `pack_revision` wrote, as keyword arguments of `Revision`."""
    return read_content(load_document(document))


_KIND = Kind[Procedure, Revision](
    make=Procedure,
    resources=procedures,
    revisions=revisions,
    prefix=PREFIX,
    owner="procedure",
    document=pack_revision,
    read_revision=_read_revision,
    not_found=ProcedureNotFound,
    no_revision=RevisionNotFound,
    ready=RevisionReady,
    only=OnlyRevision,
    taken=ProcedureExternalIdTaken,
)
