"""Stores templates."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.enricher.patterns.errors import TemplateExists, TemplateNotFound
from services.enricher.patterns.model import TEMPLATE, Request, Template
from services.enricher.patterns.store.documents import load
from services.enricher.patterns.store.tables import templates
from services.enricher.store import claim, earlier
from shared.db.appends import insert_new
from shared.db.engine import Database
from shared.db.lists import newest_time, page
from shared.lists import Listed, Part
from shared.requests import RequestKey, first_result
from shared.words import counted

_SHORT = [column for column in templates.c if column.name != "document"]


class TemplateStore:
    """The templates of all companies."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, company: str, new: Template, document: bytes, key: RequestKey | None) -> Template:
        """Store a template, or return what the same request stored.

        Raises TemplateExists, RequestIdReused, ResultDeleted.
        """

        async def work(conn: AsyncConnection) -> Template:
            made = await claim(conn, company, key, new.name)
            if key is not None and made is not None:
                return await first_result(key, made, _get(conn, company, made))
            within = templates.c.company == company
            time = await newest_time(conn, templates.c.create_time, within, new.create_time)
            row = _row(company, replace(new, create_time=time), document)
            if (await conn.execute(insert_new(templates, conn.dialect.name), row)).first() is None:
                raise TemplateExists(name=new.name)
            return await _get(conn, company, new.name)

        return await self._db.writer.run(work)

    async def made(self, company: str, key: RequestKey) -> Template | None:
        """What the same request made before; None if it is new. Raises RequestIdReused, ResultDeleted."""
        found = await earlier(self._db, company, key)
        return None if found is None else await first_result(key, found, self.get(company, found))

    async def get(self, company: str, name: str) -> Template:
        """A template. Raises TemplateNotFound."""
        async with self._db.read() as conn:
            return await _get(conn, company, name)

    async def page(self, company: str, domain: str, entity: str, part: Part) -> Listed[Template]:
        """A part of the company's templates, newest first. domain, entity: only theirs; "" for any."""
        query = select(*_SHORT).where(templates.c.company == company)
        if domain:
            query = query.where(templates.c.domain == domain)
        if entity:
            query = query.where(templates.c.entity == entity)
        return await page(self._db, query, templates.c.id, part, _read, templates.c.create_time)

    async def delete(self, company: str, name: str) -> None:
        """Delete a template. Raises TemplateNotFound."""

        async def work(conn: AsyncConnection) -> None:
            if not (await conn.execute(delete(templates).where(_of(company, name)))).rowcount:
                raise TemplateNotFound(name=name)

        await self._db.writer.run(work)


async def of_domain(conn: AsyncConnection, company: str, domain: str, revision: int) -> str | None:
    """How many templates are about a domain, as the rest of a sentence. They hold no revision of it."""
    if revision:
        return None
    about = templates.c.company == company, templates.c.domain == f"domains/{domain}"
    count: int = await conn.scalar(select(func.count()).where(*about)) or 0
    return f"{counted(count, 'template')} {'is' if count == 1 else 'are'} about it" if count else None


def _row(company: str, new: Template, document: bytes) -> dict[str, object]:
    return {
        "company": company,
        "id": new.name.removeprefix(TEMPLATE),
        "domain": new.request.domain,
        "revision": new.request.revision,
        "entity": new.request.entity,
        "workflow": new.request.workflow,
        "description": new.description,
        "pattern": new.pattern,
        "creator": new.creator,
        "create_time": new.create_time,
        "document": document,
    }


async def _get(conn: AsyncConnection, company: str, name: str) -> Template:
    row = (await conn.execute(select(templates).where(_of(company, name)))).first()
    if row is None:
        raise TemplateNotFound(name=name)
    return _read(row)


def _of(company: str, name: str) -> ColumnElement[bool]:
    return (templates.c.company == company) & (templates.c.id == name.removeprefix(TEMPLATE))


def _read(row: Row[Any]) -> Template:
    whole = load(row.document) if "document" in row._fields else None
    return Template(
        name=TEMPLATE + row.id,
        description=row.description,
        request=whole[0] if whole else Request(row.domain, row.entity, row.revision, workflow=row.workflow),
        plan=whole[1] if whole else None,
        pattern=row.pattern,
        creator=row.creator,
        create_time=row.create_time,
    )
