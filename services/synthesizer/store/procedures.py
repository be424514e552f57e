"""Procedures and their revisions at rest."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.catalog.errors import ProcedureExternalIdTaken, ProcedureNotFound, RevisionNotFound
from services.synthesizer.catalog.records import NewProcedure, Outcome, Stored
from services.synthesizer.procedure import Procedure, Revision, RevisionState
from services.synthesizer.store.documents import pack_revision, unpack_revision
from services.synthesizer.store.requests import claim
from services.synthesizer.store.tables import procedures, revisions
from shared.db.appends import insert_new
from shared.db.engine import Database
from shared.requests import RequestKey

PREFIX = "procedures/"


class Procedures:
    """A company's procedures."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(
        self, company: str, procedure: Procedure, revision: Revision, key: RequestKey | None
    ) -> tuple[Procedure, Revision]:
        """Store both, or return what the same request stored before. Raises ProcedureExternalIdTaken."""

        async def work(conn: AsyncConnection) -> tuple[Procedure, Revision]:
            earlier = await claim(conn, company, key, procedure.name)
            if earlier is not None:
                return await _procedure(conn, company, earlier), await _revision(conn, company, earlier, 1)
            if not await _insert(conn, company, procedure, revision):
                raise ProcedureExternalIdTaken(external_id=procedure.external_id)
            return procedure, revision

        return await self._db.writer.run(work)

    async def add_revision(self, company: str, revision: Revision, key: RequestKey | None) -> Revision:
        """Store it with the next number, or return what the same request stored. Raises ProcedureNotFound."""

        async def work(conn: AsyncConnection) -> Revision:
            procedure = await _procedure(conn, company, revision.procedure, lock=True)
            added = replace(revision, number=procedure.latest_revision + 1)
            earlier = await claim(conn, company, key, str(added.number))
            if earlier is not None:
                return await _revision(conn, company, revision.procedure, int(earlier))
            await conn.execute(insert(revisions), _revision_row(company, added))
            await _point(conn, replace(procedure, latest_revision=added.number), added)
            return added

        return await self._db.writer.run(work)

    async def mark_ready(self, company: str, procedure: str, number: int, time: int) -> Revision:
        """Raises ProcedureNotFound, RevisionNotFound."""

        async def work(conn: AsyncConnection) -> Revision:
            found = await _procedure(conn, company, procedure, lock=True)
            revision = await _revision(conn, company, procedure, number, latest=found.latest_revision)
            if revision.state is RevisionState.READY:
                return revision
            ready = replace(revision, state=RevisionState.READY, ready_time=time)
            await conn.execute(
                update(revisions)
                .where(revisions.c.procedure == procedure.removeprefix(PREFIX), revisions.c.number == number)
                .values(state=ready.state, ready_time=time)
            )
            await _point(conn, found, ready)
            return ready

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str, revision: int) -> tuple[Procedure, Revision]:
        """A procedure and one of its revisions, 0 for the newest. Raises ProcedureNotFound, RevisionNotFound."""
        async with self._db.read() as conn:
            procedure = await _procedure(conn, company, name)
            latest = procedure.latest_revision
            return procedure, await _revision(conn, company, name, revision or latest, latest=latest)

    async def page(self, company: str, after: str, limit: int, external_id: str) -> list[Procedure]:
        """Up to limit, oldest first, behind the one with the name after; "" for the beginning."""
        rows = (
            select(procedures)
            .where(procedures.c.company == company, procedures.c.id > after.removeprefix(PREFIX))
            .order_by(procedures.c.id)
            .limit(limit)
        )
        if external_id:
            rows = rows.where(procedures.c.external_id == external_id)
        return [_read_procedure(row) for row in await self._db.fetch(rows)]

    async def add(self, company: str, new: Sequence[NewProcedure]) -> list[Stored]:
        """Store imported procedures in one transaction; how each of them fared, in their order."""

        async def work(conn: AsyncConnection) -> list[Stored]:
            return [Stored(await _fare(conn, company, one.procedure, one.revision)) for one in new]

        return await self._db.writer.run(work)


async def _fare(conn: AsyncConnection, company: str, procedure: Procedure, revision: Revision) -> Outcome:
    if await _insert(conn, company, procedure, revision):
        return Outcome.IMPORTED
    found = await conn.execute(
        select(procedures).where(procedures.c.company == company, procedures.c.external_id == procedure.external_id)
    )
    there = _read_procedure(found.one())
    first = await _revision(conn, company, there.name, 1)
    same = (there.display_name, there.description) == (procedure.display_name, procedure.description)
    content = (first.instructions, first.steps, first.tools) == (
        revision.instructions,
        revision.steps,
        revision.tools,
    )
    return Outcome.UNCHANGED if same and content else Outcome.TAKEN


async def _insert(conn: AsyncConnection, company: str, procedure: Procedure, revision: Revision) -> bool:
    """Whether its external id was free, and so it is stored."""
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


async def _point(conn: AsyncConnection, procedure: Procedure, revision: Revision) -> None:
    """Let the procedure's row point at its newest revisions."""
    ready = revision.number if revision.state is RevisionState.READY else 0
    await conn.execute(
        update(procedures)
        .where(procedures.c.id == procedure.name.removeprefix(PREFIX))
        .values(
            latest_revision=procedure.latest_revision,
            latest_ready_revision=max(procedure.latest_ready_revision, ready),
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
            revisions.c.procedure == name.removeprefix(PREFIX),
            revisions.c.number == number,
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


def _read_revision(row: Row[Any]) -> Revision:
    return Revision(
        procedure=PREFIX + row.procedure,
        number=row.number,
        state=RevisionState(row.state),
        create_time=row.create_time,
        ready_time=row.ready_time,
        **unpack_revision(row.document),
    )
