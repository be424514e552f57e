"""Stores procedures and their revisions."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)
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
from shared.db.appends import insert_new
from shared.db.documents import dump_document, load_document
from shared.db.engine import Database
from shared.db.lists import page
from shared.lists import Listed, Part
from shared.model.events import Json
from shared.model.steps import Tool, read_step, step_json
from shared.requests import RequestKey, first_result

procedures = Table(
    "procedures",
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

revisions = Table(
    "revisions",
    metadata,
    Column("procedure", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("company", String, nullable=False),
    Column("state", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("ready_time", BigInteger, nullable=False),
)


PREFIX = "procedures/"
_DELETED = "DELETED"
"""The state of a deleted revision's row, which stays so that its number is not used again."""

RevisionReferring = Callable[[AsyncConnection, str, str, int], Awaitable[str | None]]
"""(connection, company, procedure's id, revision's number or 0) → what refers to it, as the rest of a sentence."""


class ProcedureStore:
    """A company's procedures."""

    def __init__(self, db: Database, referring: RevisionReferring) -> None:
        self._db = db
        self._referring = referring

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """What the request stored before; None if it is new. Raises RequestIdReused."""
        return await earlier(self._db, company, key)

    async def create(
        self, company: str, new: Procedure, revision: Revision, key: RequestKey | None
    ) -> tuple[Procedure, Revision]:
        """Store a procedure and its first revision, or return those that the same request stored.

        Raises ProcedureExternalIdTaken, RequestIdReused, ResultDeleted.
        """

        async def work(conn: AsyncConnection) -> tuple[Procedure, Revision]:
            earlier = await claim(conn, company, key, new.name)
            if key is not None and earlier is not None:
                procedure = await first_result(key, earlier, _procedure(conn, company, earlier))
                return procedure, await first_result(key, earlier, _revision(conn, company, earlier, 1))
            if not await _insert(conn, company, new, revision):
                raise ProcedureExternalIdTaken(external_id=new.external_id)
            return new, revision

        return await self._db.writer.run(work)

    async def add_revision(self, company: str, revision: Revision, key: RequestKey | None) -> Revision:
        """Store a revision with the next number, or return the one that the same request stored.

        Raises ProcedureNotFound, RequestIdReused, ResultDeleted.
        """

        async def work(conn: AsyncConnection) -> Revision:
            procedure = await _procedure(conn, company, revision.procedure, lock=True)
            last = await conn.scalar(select(func.max(revisions.c.number)).where(_of(revision.procedure)))
            added = replace(revision, number=(last or 0) + 1)
            earlier = await claim(conn, company, key, str(added.number))
            if key is not None and earlier is not None:
                name = f"revision {earlier} of {procedure.name}"
                return await first_result(key, name, _revision(conn, company, procedure.name, int(earlier)))
            await conn.execute(insert(revisions), _revision_row(company, added))
            await _point_to_newest(conn, procedure.name)
            return added

        return await self._db.writer.run(work)

    async def mark_ready(self, company: str, procedure: str, number: int, time: int) -> Revision:
        """Make a revision READY, if it is not. Raises ProcedureNotFound, RevisionNotFound."""

        async def work(conn: AsyncConnection) -> Revision:
            found = await _procedure(conn, company, procedure, lock=True)
            revision = await _revision(conn, company, procedure, number, latest=found.latest_revision)
            if revision.state is RevisionState.READY:
                return revision
            ready = replace(revision, state=RevisionState.READY, ready_time=time)
            await conn.execute(
                update(revisions)
                .where(_of(procedure), revisions.c.number == number)
                .values(state=ready.state, ready_time=time)
            )
            await _point_to_newest(conn, procedure)
            return ready

        return await self._db.writer.run(work)

    async def update_revision(self, company: str, new: Revision) -> Revision:
        """Replace the content of the DRAFT with this number.

        Raises ProcedureNotFound, RevisionNotFound, RevisionReady.
        """

        async def work(conn: AsyncConnection) -> Revision:
            procedure = await _procedure(conn, company, new.procedure, lock=True)
            before = await _revision(conn, company, procedure.name, new.number, latest=procedure.latest_revision)
            if before.state is RevisionState.READY:
                raise RevisionReady(name=procedure.name, revision=new.number)
            await conn.execute(
                update(revisions)
                .where(_of(procedure.name), revisions.c.number == new.number)
                .values(document=pack_revision(new))
            )
            return replace(
                before,
                instructions=new.instructions,
                steps=new.steps,
                tools=new.tools,
                expectations=new.expectations,
                domain=new.domain,
            )

        return await self._db.writer.run(work)

    async def delete_revision(self, company: str, name: str, number: int) -> None:
        """Delete a revision. Raises ProcedureNotFound, RevisionNotFound, OnlyRevision, StillReferredTo."""

        async def work(conn: AsyncConnection) -> None:
            procedure = await _procedure(conn, company, name, lock=True)
            await _revision(conn, company, name, number, latest=procedure.latest_revision)
            there = select(func.count()).where(_of(name), revisions.c.state != _DELETED)
            if await conn.scalar(there) == 1:
                raise OnlyRevision(name=name, revision=number)
            by = await self._referring(conn, company, name.removeprefix(PREFIX), number)
            if by is not None:
                raise StillReferredTo(name=f"revision {number} of {name}", by=by)
            await conn.execute(
                update(revisions)
                .where(_of(name), revisions.c.number == number)
                .values(state=_DELETED, document=b"", ready_time=0)
            )
            await _point_to_newest(conn, name)

        await self._db.writer.run(work)

    async def delete(self, company: str, name: str) -> None:
        """Delete a procedure with its revisions. Raises ProcedureNotFound, StillReferredTo."""

        async def work(conn: AsyncConnection) -> None:
            await _procedure(conn, company, name, lock=True)
            key = name.removeprefix(PREFIX)
            by = await self._referring(conn, company, key, 0)
            if by is not None:
                raise StillReferredTo(name=name, by=by)
            await conn.execute(delete(revisions).where(_of(name)))
            await conn.execute(delete(procedures).where(procedures.c.id == key))

        await self._db.writer.run(work)

    async def get(self, company: str, name: str, revision: int) -> tuple[Procedure, Revision]:
        """A procedure and one of its revisions, 0 for the newest. Raises ProcedureNotFound, RevisionNotFound."""
        async with self._db.read() as conn:
            procedure = await _procedure(conn, company, name)
            latest = procedure.latest_revision
            return procedure, await _revision(conn, company, name, revision or latest, latest=latest)

    async def page(self, company: str, part: Part, external_id: str) -> Listed[Procedure]:
        """A part of the procedures, newest first."""
        query = select(procedures).where(procedures.c.company == company)
        if external_id:
            query = query.where(procedures.c.external_id == external_id)
        return await page(self._db, query, procedures.c.id, part, _read_procedure)

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
        return [(_read_procedure(row), _read_revision(row, "revision_")) for row in await self._db.fetch(rows)]

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
    there = select(revisions.c.number).where(_of(key), revisions.c.number == number, revisions.c.state != _DELETED)
    if await conn.scalar(there) is None:
        raise RevisionNotFound(name=PREFIX + key, revision=number, latest=latest)


async def _import(conn: AsyncConnection, company: str, new: Procedure, revision: Revision) -> Outcome:
    """Store an imported procedure, unless there is one with its external id, or whose name is its external id."""
    named = procedures.c.external_id == new.external_id
    if new.external_id.startswith(PREFIX):  # exports use the name of a procedure that has no external id
        named |= procedures.c.id == new.external_id.removeprefix(PREFIX)
    elif await _insert(conn, company, new, revision):
        return Outcome.IMPORTED
    row = (await conn.execute(select(procedures).where(procedures.c.company == company, named))).first()
    if row is None:
        return Outcome.IMPORTED if await _insert(conn, company, new, revision) else Outcome.TAKEN
    there = _read_procedure(row)
    if (there.display_name, there.description) != (new.display_name, new.description):
        return Outcome.TAKEN
    documents = select(revisions.c.document).where(_of(there.name), revisions.c.state != _DELETED)
    content = read_content(revision_json(revision))
    known = [unpack_revision(document) for document in await conn.scalars(documents)]
    return Outcome.UNCHANGED if content in known else Outcome.TAKEN


async def _insert(conn: AsyncConnection, company: str, procedure: Procedure, revision: Revision) -> bool:
    """Store both and return True, or return False if the external id is taken."""
    row = {
        "id": procedure.name.removeprefix(PREFIX),
        "company": company,
        "external_id": procedure.external_id or None,
        "display_name": procedure.display_name,
        "description": procedure.description,
        "latest_revision": procedure.latest_revision,
        "latest_ready_revision": procedure.latest_ready_revision,
        "create_time": procedure.create_time,
    }
    if (await conn.execute(insert_new(procedures, conn.dialect.name), row)).first() is None:
        return False
    await conn.execute(insert(revisions), _revision_row(company, revision))
    return True


def _of(procedure: str) -> ColumnElement[bool]:
    return revisions.c.procedure == procedure.removeprefix(PREFIX)


async def _point_to_newest(conn: AsyncConnection, procedure: str) -> None:
    """Store the numbers of the procedure's newest revisions in its row."""
    newest = select(func.coalesce(func.max(revisions.c.number), 0)).where(_of(procedure))
    await conn.execute(
        update(procedures)
        .where(procedures.c.id == procedure.removeprefix(PREFIX))
        .values(
            latest_revision=newest.where(revisions.c.state != _DELETED).scalar_subquery(),
            latest_ready_revision=newest.where(revisions.c.state == RevisionState.READY).scalar_subquery(),
        )
    )


async def _procedure(conn: AsyncConnection, company: str, name: str, *, lock: bool = False) -> Procedure:
    query = select(procedures).where(procedures.c.company == company, procedures.c.id == name.removeprefix(PREFIX))
    row = (await conn.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise ProcedureNotFound(name=name)
    return _read_procedure(row)


async def _revision(conn: AsyncConnection, company: str, name: str, number: int, *, latest: int = 0) -> Revision:
    found = await conn.execute(
        select(revisions).where(
            revisions.c.company == company,
            _of(name),
            revisions.c.number == number,
            revisions.c.state != _DELETED,
        )
    )
    row = found.first()
    if row is None:
        raise RevisionNotFound(name=name, revision=number, latest=latest)
    return _read_revision(row)


def _read_procedure(row: Row[Any]) -> Procedure:
    return Procedure(
        name=PREFIX + row.id,
        display_name=row.display_name,
        description=row.description,
        external_id=row.external_id or "",
        latest_revision=row.latest_revision,
        latest_ready_revision=row.latest_ready_revision,
        create_time=row.create_time,
    )


def _revision_row(company: str, revision: Revision) -> dict[str, object]:
    return {
        "procedure": revision.procedure.removeprefix(PREFIX),
        "number": revision.number,
        "company": company,
        "state": revision.state,
        "document": pack_revision(revision),
        "create_time": revision.create_time,
        "ready_time": revision.ready_time,
    }


def _read_revision(row: Row[Any], prefix: str = "") -> Revision:
    """The revision in the row's columns with this prefix."""
    values = {name.removeprefix(prefix): value for name, value in row._mapping.items() if name.startswith(prefix)}
    return Revision(
        procedure=PREFIX + values["procedure"],
        number=values["number"],
        state=RevisionState(values["state"]),
        create_time=values["create_time"],
        ready_time=values["ready_time"],
        **unpack_revision(values["document"]),
    )


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
