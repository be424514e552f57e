"""Stores personas."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Select,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.errors import StillReferredTo
from services.synthesizer.imports.model import Outcome, Stored
from services.synthesizer.personas.errors import PersonaNotFound
from services.synthesizer.personas.model import NewPersona, Persona, read_persona
from services.synthesizer.store import Referring, claim, metadata
from shared.db.documents import dump_document, load_document
from shared.db.engine import Database
from shared.db.lists import newest, total
from shared.lists import Listed, Part
from shared.requests import RequestKey, first_result

personas = Table(
    "personas",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
    Index(None, "company", "id"),
)

PREFIX = "personas/"

# Built once, because building it takes as long as running it.
_NEWEST = (
    select(personas.c.document)
    .where(personas.c.company == bindparam("of_company"))
    .order_by(personas.c.id.desc())
    .limit(bindparam("at_most"))
)


class PersonaStore:
    """A company's own personas; built-in ones are not stored."""

    def __init__(self, db: Database, referring: Referring) -> None:
        self._db = db
        self._referring = referring

    async def create(self, company: str, persona: Persona, key: RequestKey | None) -> Persona:
        """Store a persona, or return the one that the same request stored. Raises RequestIdReused, ResultDeleted."""

        async def work(conn: AsyncConnection) -> Persona:
            earlier = await claim(conn, company, key, persona.name)
            if key is not None and earlier is not None:
                return await first_result(key, earlier, _get(conn, company, earlier))
            await conn.execute(insert(personas), _row(company, persona))
            return persona

        return await self._db.writer.run(work)

    async def add(self, company: str, new: Sequence[NewPersona]) -> list[Stored]:
        """Store imported personas in one transaction; returns the outcome of each, in their order."""

        async def work(conn: AsyncConnection) -> list[Stored]:
            rows = await conn.scalars(select(personas.c.document).where(personas.c.company == company))
            here = {unpack_persona(document).digest for document in rows}
            missing = {one.digest: one.persona for one in new if one.digest not in here}
            if missing:
                await conn.execute(insert(personas), [_row(company, persona) for persona in missing.values()])
            imported = (missing.pop(one.digest, None) is not None for one in new)
            return [Stored(Outcome.IMPORTED if is_new else Outcome.UNCHANGED) for is_new in imported]

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> Persona:
        """The persona of that name. Raises PersonaNotFound."""
        found = await self._db.fetch(_document(company, name))
        if not found:
            raise PersonaNotFound(name=name)
        return unpack_persona(found[0].document)

    async def page(self, company: str, part: Part) -> Listed[Persona]:
        """A part of the company's personas, newest first."""
        query = select(personas.c.document).where(personas.c.company == company)
        if part.before or part.short_id:
            rows = await self._db.fetch(newest(query, personas.c.id, part))
        else:
            rows = await self._db.fetch(_NEWEST, {"of_company": company, "at_most": part.limit})
        size = await total(self._db, query, personas.c.id, part, len(rows))
        return Listed([unpack_persona(row.document) for row in rows], size)

    async def update(self, company: str, name: str, change: Callable[[Persona], Persona]) -> Persona:
        """Replace a persona by the result of `change`, in one transaction. Raises PersonaNotFound."""

        async def work(conn: AsyncConnection) -> Persona:
            changed = change(await _get(conn, company, name, lock=True))
            row = {"document": pack_persona(changed), "update_time": changed.update_time}
            await conn.execute(update(personas).where(personas.c.id == name.removeprefix(PREFIX)).values(row))
            return changed

        return await self._db.writer.run(work)

    async def delete(self, company: str, name: str) -> None:
        """Delete a persona. Raises PersonaNotFound, StillReferredTo."""

        async def work(conn: AsyncConnection) -> None:
            await _get(conn, company, name, lock=True)
            key = name.removeprefix(PREFIX)
            by = await self._referring(conn, company, key)
            if by is not None:
                raise StillReferredTo(name=name, by=by)
            await conn.execute(delete(personas).where(personas.c.id == key))

        await self._db.writer.run(work)


def _row(company: str, persona: Persona) -> dict[str, Any]:
    return {
        "id": persona.name.removeprefix(PREFIX),
        "company": company,
        "document": pack_persona(persona),
        "create_time": persona.create_time,
        "update_time": persona.update_time,
    }


def _document(company: str, name: str) -> Select[Any]:
    return select(personas.c.document).where(personas.c.company == company, personas.c.id == name.removeprefix(PREFIX))


async def _get(conn: AsyncConnection, company: str, name: str, *, lock: bool = False) -> Persona:
    query = _document(company, name)
    document: bytes | None = await conn.scalar(query.with_for_update() if lock else query)
    if document is None:
        raise PersonaNotFound(name=name)
    return unpack_persona(document)


def pack_persona(persona: Persona) -> bytes:
    """The persona as it is stored."""
    return dump_document(asdict(persona))


def unpack_persona(document: bytes) -> Persona:
    """The inverse of `pack_persona`."""
    record = load_document(document)
    del record["v"]
    return read_persona(record)
