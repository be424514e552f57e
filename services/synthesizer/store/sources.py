"""Source conversations at rest."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.catalog.errors import SourceNotFound, StillReferredTo
from services.synthesizer.catalog.records import NewSource, Outcome, Stored
from services.synthesizer.ports import SourceFilter
from services.synthesizer.source import Source, SourceConversation
from services.synthesizer.store.documents import unpack_source_events, unpack_source_resources
from services.synthesizer.store.references import referring
from services.synthesizer.store.tables import procedures, sources
from shared.db.appends import insert_new
from shared.db.engine import Database
from shared.ids import new_id
from shared.model.events import Event, Resource

PREFIX = "sources/"
_READ_AT_ONCE = 500
_SUMMARY = [column for column in sources.c if column.name not in ("document", "digest")]


class Sources:
    """A company's source conversations."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, company: str, new: Sequence[NewSource], time: int) -> list[Stored]:
        """Store imported sources in one transaction; how each of them fared, in their order."""

        async def work(conn: AsyncConnection) -> list[Stored]:
            links = await _links(conn, company, new)
            firsts = {source.external_id: source for source in reversed(new)}
            rows = [
                _row(company, source, links.get(source.procedure_external_id), time)
                for source in new
                if firsts[source.external_id] is source
            ]
            inserted = await conn.execute(insert_new(sources, conn.dialect.name), rows)
            ids = set(inserted.scalars())
            fresh = {row["external_id"] for row in rows if row["id"] in ids}
            digests = await _digests(conn, company, list(firsts))
            stored = []
            for source in new:
                unlinked = bool(source.procedure_external_id) and source.procedure_external_id not in links
                if source.external_id in fresh and firsts[source.external_id] is source:
                    stored.append(Stored(Outcome.IMPORTED, unlinked))
                elif digests[source.external_id] != source.digest:
                    stored.append(Stored(Outcome.TAKEN))
                else:
                    await _link(conn, company, source, links.get(source.procedure_external_id))
                    stored.append(Stored(Outcome.UNCHANGED, unlinked))
            return stored

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> Source:
        """Raises SourceNotFound."""
        return _read(await self._one(company, name, *_SUMMARY))

    async def load(self, company: str, name: str) -> SourceConversation:
        """The source with its content. Raises SourceNotFound."""
        return _content(await self._one(company, name, *_SUMMARY, sources.c.document))

    async def summaries(self, company: str, names: Sequence[str]) -> list[Source]:
        """The sources of these names, in their order, without their content. Raises SourceNotFound."""
        return [_read(row) for row in await self._many(company, names, *_SUMMARY)]

    async def contents(self, company: str, names: Sequence[str]) -> list[SourceConversation]:
        """The sources of these names, in their order. Raises SourceNotFound."""
        return [_content(row) for row in await self._many(company, names, *_SUMMARY, sources.c.document)]

    async def page(self, company: str, after: str, limit: int, which: SourceFilter) -> list[Source]:
        """Up to limit, oldest first, behind the one with the name after; "" for the beginning."""
        rows = (
            select(*_SUMMARY)
            .where(sources.c.company == company, sources.c.id > after.removeprefix(PREFIX), *_narrowed(which))
            .order_by(sources.c.id)
            .limit(limit)
        )
        return [_read(row) for row in await self._db.fetch(rows)]

    async def events(self, company: str, name: str, after: int, limit: int) -> list[Event]:
        """Up to limit events behind seq after. Raises SourceNotFound."""
        row = await self._one(company, name, sources.c.id, sources.c.document)
        return list(unpack_source_events(row.document, after, limit))

    async def resources(self, company: str, name: str) -> list[Resource]:
        """Raises SourceNotFound."""
        row = await self._one(company, name, sources.c.id, sources.c.document)
        return list(unpack_source_resources(row.document))

    async def delete(self, company: str, name: str) -> None:
        """Raises SourceNotFound, StillReferredTo."""
        key = name.removeprefix(PREFIX)

        async def work(conn: AsyncConnection) -> None:
            there = select(sources.c.id).where(sources.c.company == company, sources.c.id == key)
            if await conn.scalar(there.with_for_update()) is None:
                raise SourceNotFound(name=name)
            by = await referring(conn, company, "source", key)
            if by is not None:
                raise StillReferredTo(name=name, by=by)
            await conn.execute(delete(sources).where(sources.c.id == key))

        await self._db.writer.run(work)

    async def _one(self, company: str, name: str, *columns: ColumnElement[Any]) -> Row[Any]:
        [row] = await self._many(company, [name], *columns)
        return row

    async def _many(self, company: str, names: Sequence[str], *columns: ColumnElement[Any]) -> list[Row[Any]]:
        found: dict[str, Row[Any]] = {}
        for start in range(0, len(names), _READ_AT_ONCE):
            keys = [name.removeprefix(PREFIX) for name in names[start : start + _READ_AT_ONCE]]
            query = select(*columns).where(sources.c.company == company, sources.c.id.in_(keys))
            found |= {PREFIX + row.id: row for row in await self._db.fetch(query)}
        if (gone := next((name for name in names if name not in found), None)) is not None:
            raise SourceNotFound(name=gone)
        return [found[name] for name in names]


async def _links(conn: AsyncConnection, company: str, new: Sequence[NewSource]) -> dict[str, tuple[str, int]]:
    """By a procedure's external id: its id and its newest READY revision; without those that have none."""
    wanted = {source.procedure_external_id for source in new} - {""}
    if not wanted:
        return {}
    found = await conn.execute(
        select(procedures.c.external_id, procedures.c.id, procedures.c.latest_ready_revision).where(
            procedures.c.company == company,
            procedures.c.external_id.in_(wanted),
            procedures.c.latest_ready_revision > 0,
        )
    )
    return {row[0]: (row[1], row[2]) for row in found}


async def _digests(conn: AsyncConnection, company: str, external_ids: Sequence[str]) -> dict[str, str]:
    found = await conn.execute(
        select(sources.c.external_id, sources.c.digest).where(
            sources.c.company == company, sources.c.external_id.in_(external_ids)
        )
    )
    return {row[0]: row[1] for row in found}


async def _link(conn: AsyncConnection, company: str, source: NewSource, link: tuple[str, int] | None) -> None:
    """Link a source that was imported before its procedure was."""
    if link is None:
        return
    await conn.execute(
        update(sources)
        .where(sources.c.company == company, sources.c.external_id == source.external_id, sources.c.procedure == "")
        .values(procedure=link[0], revision=link[1])
    )


def _row(company: str, source: NewSource, link: tuple[str, int] | None, time: int) -> dict[str, Any]:
    procedure, revision = link or ("", 0)
    return {
        "id": new_id(),
        "company": company,
        "external_id": source.external_id,
        "format": source.format,
        "finished": source.finished,
        "procedure": procedure,
        "revision": revision,
        "event_count": source.event_count,
        "resource_count": source.resource_count,
        "digest": source.digest,
        "document": source.document,
        "create_time": time,
    }


def _narrowed(which: SourceFilter) -> list[ColumnElement[bool]]:
    conditions = []
    if which.format:
        conditions.append(sources.c.format == which.format)
    if which.procedure:
        conditions.append(sources.c.procedure == which.procedure.removeprefix("procedures/"))
    if which.external_id:
        conditions.append(sources.c.external_id == which.external_id)
    if which.finished:
        conditions.append(sources.c.finished.is_(True))
    return conditions


def _content(row: Row[Any]) -> SourceConversation:
    document = row.document
    return SourceConversation(
        _read(row), unpack_source_events(document), unpack_source_resources(document), len(document)
    )


def _read(row: Row[Any]) -> Source:
    return Source(
        name=PREFIX + row.id,
        external_id=row.external_id,
        format=row.format,
        finished=row.finished,
        procedure=f"procedures/{row.procedure}" if row.procedure else "",
        revision=row.revision,
        event_count=row.event_count,
        resource_count=row.resource_count,
        create_time=row.create_time,
    )
