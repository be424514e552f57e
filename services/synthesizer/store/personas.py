"""Personas at rest."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.catalog.errors import PersonaNotFound, StillReferredTo
from services.synthesizer.persona import Persona
from services.synthesizer.store.documents import pack_persona, unpack_persona
from services.synthesizer.store.references import referring
from services.synthesizer.store.requests import claim
from services.synthesizer.store.tables import personas
from shared.db.engine import Database
from shared.requests import RequestKey, first_result

PREFIX = "personas/"


class Personas:
    """A company's own personas; the built-in ones are no rows."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, company: str, persona: Persona, key: RequestKey | None) -> Persona:
        """Store it, or return what the same request stored before. Raises RequestIdReused, ResultDeleted."""

        async def work(conn: AsyncConnection) -> Persona:
            earlier = await claim(conn, company, key, persona.name)
            if key is not None and earlier is not None:
                return await first_result(key, earlier, _get(conn, company, earlier))
            row = {"id": persona.name.removeprefix(PREFIX), "company": company}
            times = {"create_time": persona.create_time, "update_time": persona.update_time}
            await conn.execute(insert(personas), {**row, "document": pack_persona(persona), **times})
            return persona

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> Persona:
        """Raises PersonaNotFound."""
        found = await self._db.fetch(_document(company, name))
        if not found:
            raise PersonaNotFound(name=name)
        return unpack_persona(found[0].document)

    async def page(self, company: str, after: str, limit: int) -> list[Persona]:
        """Up to limit, oldest first, behind the one with the name after; "" for the beginning."""
        rows = (
            select(personas.c.document)
            .where(personas.c.company == company, personas.c.id > after.removeprefix(PREFIX))
            .order_by(personas.c.id)
            .limit(limit)
        )
        return [unpack_persona(row.document) for row in await self._db.fetch(rows)]

    async def update(self, company: str, name: str, change: Callable[[Persona], Persona]) -> Persona:
        """Store what change makes of it, with nobody else's change in between. Raises PersonaNotFound."""

        async def work(conn: AsyncConnection) -> Persona:
            changed = change(await _get(conn, company, name, lock=True))
            row = {"document": pack_persona(changed), "update_time": changed.update_time}
            await conn.execute(update(personas).where(personas.c.id == name.removeprefix(PREFIX)).values(row))
            return changed

        return await self._db.writer.run(work)

    async def delete(self, company: str, name: str) -> None:
        """Raises PersonaNotFound, StillReferredTo."""

        async def work(conn: AsyncConnection) -> None:
            await _get(conn, company, name, lock=True)
            key = name.removeprefix(PREFIX)
            by = await referring(conn, company, "persona", key)
            if by is not None:
                raise StillReferredTo(name=name, by=by)
            await conn.execute(delete(personas).where(personas.c.id == key))

        await self._db.writer.run(work)


def _document(company: str, name: str) -> Select[Any]:
    return select(personas.c.document).where(personas.c.company == company, personas.c.id == name.removeprefix(PREFIX))


async def _get(conn: AsyncConnection, company: str, name: str, *, lock: bool = False) -> Persona:
    query = _document(company, name)
    document: bytes | None = await conn.scalar(query.with_for_update() if lock else query)
    if document is None:
        raise PersonaNotFound(name=name)
    return unpack_persona(document)
