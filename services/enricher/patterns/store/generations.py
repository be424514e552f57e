"""The history of generations, and how a successful one becomes a pattern."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Float, Row, bindparam, case, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from services.enricher.patterns.errors import GenerationNotFound
from services.enricher.patterns.model import GENERATION, PATTERN, Generation, GenerationFilter, Request
from services.enricher.patterns.similarity import Features
from services.enricher.patterns.store.documents import load
from services.enricher.patterns.store.tables import features, generations, patterns
from services.enricher.store import claim
from shared.db.appends import insert_new
from shared.db.engine import Database
from shared.db.lists import page
from shared.ids import new_id
from shared.lists import Listed, Part
from shared.requests import RequestKey, first_result

_SHORT = [column for column in generations.c if column.name != "document"]


class GenerationStore:
    """The generations of all companies."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(
        self, company: str, new: Generation, document: bytes, digest: str, by: Features, key: RequestKey | None
    ) -> Generation:
        """Store a generation, and its pattern if it succeeded, or return what the same request stored.

        digest, by: those of its request.
        Raises RequestIdReused, ResultDeleted.
        """

        async def work(conn: AsyncConnection) -> Generation:
            made = await claim(conn, company, key, new.name)
            if key is not None and made is not None:
                return await first_result(key, made, _get_short(conn, company, made))
            pattern = await _settle(conn, company, new, document, digest, by) if new.success else ""
            await conn.execute(_INSERT, _row(company, new, document, pattern))
            asked = new.request
            short = Request(asked.domain, asked.entity, asked.revision, workflow=asked.workflow)
            return replace(new, request=short, plan=None, pattern=pattern)

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> Generation:
        """A generation. Raises GenerationNotFound."""
        rows = await self._db.fetch(select(generations).where(_of(company, name)))
        if not rows:
            raise GenerationNotFound(name=name)
        return _read(rows[0])

    async def page(self, company: str, only: GenerationFilter, part: Part) -> Listed[Generation]:
        """A part of the company's generations, newest first."""
        query = select(*_SHORT).where(*_chosen(company, only))
        return await page(self._db, query, generations.c.id, part, _read)

    async def delete(self, company: str, name: str) -> None:
        """Delete a generation. Raises GenerationNotFound."""

        async def work(conn: AsyncConnection) -> None:
            if not (await conn.execute(delete(generations).where(_of(company, name)))).rowcount:
                raise GenerationNotFound(name=name)

        await self._db.writer.run(work)


async def _settle(
    conn: AsyncConnection, company: str, new: Generation, document: bytes, digest: str, by: Features
) -> str:
    """The name of the pattern of a successful generation: a new one, or that of the same request, now improved."""
    best = {
        "revision": new.request.revision,
        "quality": new.quality,
        "records": new.records,
        "document": document,
    }
    values = {"of_company": company, "of_digest": digest} | {f"new_{name}": value for name, value in best.items()}
    there = (await conn.execute(_IMPROVE, values)).first()
    if there is not None:
        return f"{PATTERN}{there.id}"
    key = new_id()
    kinds = {"scenarios": by.scenarios, "fields": by.fields, "words": by.words}
    row = {
        "id": key,
        "company": company,
        "digest": digest,
        "domain": by.domain,
        "entity": by.entity,
        "workflow": by.workflow,
        **{name: len(hashes) for name, hashes in kinds.items()},
        **best,
        "generations": 1,
        "uses": 0,
        "creator": new.creator,
        "create_time": new.create_time,
    }
    inserted = await conn.execute(insert_new(patterns, conn.dialect.name), row)
    if inserted.first() is None:  # another call has stored it meanwhile
        return await _settle(conn, company, new, document, digest, by)
    found = [
        {"pattern": key, "feature": feature, "kind": kind, "company": company}
        for kind, hashes in enumerate(kinds.values())
        for feature in sorted(hashes)
    ]
    if found:
        await conn.execute(insert(features), found)
    return PATTERN + key


def _improve() -> ReturningUpdate[str]:
    """Count a generation of a pattern, which takes what is new in it if that is as good."""
    good = bindparam("new_quality", type_=Float) >= patterns.c.quality
    best = {
        column.name: case((good, bindparam(f"new_{column.name}", type_=column.type)), else_=column)
        for column in (patterns.c.revision, patterns.c.quality, patterns.c.records, patterns.c.document)
    }
    same = patterns.c.company == bindparam("of_company"), patterns.c.digest == bindparam("of_digest")
    counted = patterns.c.generations + 1
    return update(patterns).where(*same).values(generations=counted, **best).returning(patterns.c.id)


# Built once, because to build a statement takes longer than to run it.
_IMPROVE, _INSERT = _improve(), insert(generations)


def _row(company: str, new: Generation, document: bytes, pattern: str) -> dict[str, object]:
    return {
        "id": new.name.removeprefix(GENERATION),
        "company": company,
        "domain": new.request.domain,
        "revision": new.request.revision,
        "entity": new.request.entity,
        "workflow": new.request.workflow,
        "success": new.success,
        "quality": new.quality,
        "records": new.records,
        "error": new.error,
        "pattern": pattern,
        "creator": new.creator,
        "create_time": new.create_time,
        "document": document,
    }


async def _get_short(conn: AsyncConnection, company: str, name: str) -> Generation:
    row = (await conn.execute(select(*_SHORT).where(_of(company, name)))).first()
    if row is None:
        raise GenerationNotFound(name=name)
    return _read(row)


def _of(company: str, name: str) -> ColumnElement[bool]:
    return (generations.c.company == company) & (generations.c.id == name.removeprefix(GENERATION))


def _chosen(company: str, only: GenerationFilter) -> list[ColumnElement[bool]]:
    chosen = [generations.c.company == company]
    if only.domain:
        chosen.append(generations.c.domain == only.domain)
    if only.entity:
        chosen.append(generations.c.entity == only.entity)
    if only.success is not None:
        chosen.append(generations.c.success == only.success)
    if only.start is not None:
        chosen.append(generations.c.create_time >= only.start)
    if only.end is not None:
        chosen.append(generations.c.create_time < only.end)
    return chosen


def _read(row: Row[Any]) -> Generation:
    whole = load(row.document) if "document" in row._fields else None
    return Generation(
        name=GENERATION + row.id,
        request=whole[0] if whole else Request(row.domain, row.entity, row.revision, workflow=row.workflow),
        plan=whole[1] if whole else None,
        success=row.success,
        quality=row.quality,
        records=row.records,
        error=row.error,
        pattern=row.pattern,
        creator=row.creator,
        create_time=row.create_time,
    )
