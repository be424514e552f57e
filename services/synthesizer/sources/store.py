"""Stores sources."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.errors import StillReferredTo
from services.synthesizer.imports.model import Outcome, Problem, Stored
from services.synthesizer.labels import store as labels
from services.synthesizer.procedures.store import procedures
from services.synthesizer.sources.documents import unpack_source_events, unpack_source_resources
from services.synthesizer.sources.errors import SourceNotFound
from services.synthesizer.sources.model import ExportedSource, NewSource, Source, SourceConversation, SourceFilter
from services.synthesizer.store import Referring, metadata
from shared.db.appends import insert_sql
from shared.db.engine import Database
from shared.db.lists import page
from shared.ids import new_id
from shared.lists import Listed, Part
from shared.model.events import Event, Resource

sources = Table(
    "sources",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("external_id", String, nullable=False),
    Column("format", String, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("procedure", String, nullable=False),  # "" if the import linked none
    Column("revision", Integer, nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("resource_count", Integer, nullable=False),
    Column("digest", String, nullable=False),  # of the content: tells whether an import has the same content
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    UniqueConstraint("company", "external_id"),
    Index(None, "company", "id"),
    Index(None, "company", "procedure", "id"),
)


PREFIX = "sources/"
_READ_AT_ONCE = 500
_SUMMARY = [
    *(column for column in sources.c if column.name not in ("document", "digest")),
    labels.labels_of(sources.c.id),
]


class SourceStore:
    """A company's sources."""

    def __init__(self, db: Database, referring: Referring) -> None:
        self._db = db
        self._referring = referring

    async def add(self, company: str, new: Sequence[NewSource], time: int, given: Sequence[str] = ()) -> list[Stored]:
        """Store imported sources in one transaction; returns the outcome of each, in their order.

        given: labels for each, also for one that is unchanged.
        """

        async def work(conn: AsyncConnection) -> list[Stored]:
            links = await _links(conn, company, new)
            firsts = {source.external_id: source for source in reversed(new)}
            rows = [
                _row(company, source, links.get(source.procedure_external_id), time)
                for source in new
                if firsts[source.external_id] is source
            ]
            insert, options = insert_sql(sources, conn.dialect), {"preserve_rowcount": True}
            inserted = await conn.exec_driver_sql(insert, rows, options)
            if inserted.rowcount == len(new):  # on PostgreSQL the driver does not count
                await labels.attach(conn, company, [row[0] for row in rows], given)
                return [Stored(Outcome.IMPORTED, _unlinked(source, links)) for source in new]
            there = await _there(conn, company, list(firsts))
            ids = {row[0] for row in rows}
            fresh = {external_id for external_id, known in there.items() if known.id in ids}
            same = {source.external_id for source in new if there[source.external_id].digest == source.digest}
            labelled = await labels.attach(conn, company, [there[one].id for one in same], given) - ids
            stored = []
            for source in new:
                unlinked = _unlinked(source, links)
                if source.external_id in fresh and firsts[source.external_id] is source:
                    stored.append(Stored(Outcome.IMPORTED, unlinked))
                elif there[source.external_id].digest != source.digest:
                    stored.append(Stored(Outcome.TAKEN))
                else:
                    known = there[source.external_id]
                    link = None if known.procedure else links.get(source.procedure_external_id)
                    linked = link is not None and await _link(conn, known.id, link)
                    finished = source.finished and not known.finished and await _finish(conn, known.id)
                    stored.append(Stored(Outcome.UNCHANGED, unlinked, known.id in labelled, linked, finished))
            return stored

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> Source:
        """The source without its content. Raises SourceNotFound."""
        return _read(await self._one(company, name, *_SUMMARY))

    async def load(self, company: str, name: str) -> SourceConversation:
        """The source with its content. Raises SourceNotFound."""
        return _content(await self._one(company, name, *_SUMMARY, sources.c.document))

    async def summaries(self, company: str, names: Sequence[str]) -> list[Source]:
        """The sources with these names, in this order, without content. Raises SourceNotFound."""
        return [_read(row) for row in await self._many(company, names, *_SUMMARY)]

    async def contents(self, company: str, names: Sequence[str]) -> list[SourceConversation]:
        """The sources with these names, in this order. Raises SourceNotFound."""
        return [_content(row) for row in await self._many(company, names, *_SUMMARY, sources.c.document)]

    async def page(self, company: str, part: Part, which: SourceFilter) -> Listed[Source]:
        """A part of the sources, newest first."""
        query = select(*_SUMMARY).where(sources.c.company == company, *_narrowed(company, which))
        return await page(self._db, query, sources.c.id, part, _read)

    async def oldest(self, company: str, after: str, limit: int, which: SourceFilter) -> list[Source]:
        """Up to `limit` sources, oldest first, starting after the name `after`; "" is the beginning."""
        rows = (
            select(*_SUMMARY)
            .where(sources.c.company == company, sources.c.id > after.removeprefix(PREFIX), *_narrowed(company, which))
            .order_by(sources.c.id)
            .limit(limit)
        )
        return [_read(row) for row in await self._db.fetch(rows)]

    async def exported(self, company: str, after: str, limit: int, which: SourceFilter) -> list[ExportedSource]:
        """Up to `limit` sources with their content, oldest first, starting after the name `after`."""
        rows = (
            select(sources.c.id, sources.c.external_id, sources.c.finished, sources.c.document)
            .add_columns(procedures.c.external_id.label("procedure"))
            .outerjoin(procedures, procedures.c.id == sources.c.procedure)
            .where(sources.c.company == company, sources.c.id > after.removeprefix(PREFIX), *_narrowed(company, which))
            .order_by(sources.c.id)
            .limit(limit)
        )
        return [
            ExportedSource(PREFIX + row.id, row.external_id, row.finished, row.procedure or "", row.document)
            for row in await self._db.fetch(rows)
        ]

    async def events(self, company: str, name: str, after: int, limit: int) -> list[Event]:
        """Up to `limit` events after the seq `after`. Raises SourceNotFound."""
        row = await self._one(company, name, sources.c.id, sources.c.document)
        return list(unpack_source_events(row.document, after, limit))

    async def resources(self, company: str, name: str) -> list[Resource]:
        """The resources of a source. Raises SourceNotFound."""
        row = await self._one(company, name, sources.c.id, sources.c.document)
        return list(unpack_source_resources(row.document))

    async def delete(self, company: str, name: str) -> None:
        """Delete a source. Raises SourceNotFound, StillReferredTo."""
        key = name.removeprefix(PREFIX)

        async def work(conn: AsyncConnection) -> None:
            there = select(sources.c.id).where(sources.c.company == company, sources.c.id == key)
            if await conn.scalar(there.with_for_update()) is None:
                raise SourceNotFound(name=name)
            by = await self._referring(conn, company, key)
            if by is not None:
                raise StillReferredTo(name=name, by=by)
            await conn.execute(delete(sources).where(sources.c.id == key))
            await labels.detach(conn, key)

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


def _unlinked(source: NewSource, links: Collection[str]) -> Problem | None:
    """The problem with a source whose procedure is not among the links; None if there is none."""
    if not source.procedure_external_id or source.procedure_external_id in links:
        return None
    sentence = (
        f"No procedure with the external id {source.procedure_external_id!r} has a READY revision, so the source was "
        "imported without a link to it; import the procedure, then this file again."
    )
    return Problem(source.line, "PROCEDURE_NOT_FOUND", sentence, partial=True)


async def _links(conn: AsyncConnection, company: str, new: Sequence[NewSource]) -> dict[str, tuple[str, int]]:
    """By external id, the ids and newest READY revisions of the procedures that have one."""
    wanted = {source.procedure_external_id for source in new} - {""}
    if not wanted:
        return {}
    found = await conn.execute(
        select(procedures.c.external_id, procedures.c.id, procedures.c.latest_ready_revision)
        .where(
            procedures.c.company == company,
            procedures.c.external_id.in_(wanted),
            procedures.c.latest_ready_revision > 0,
        )
        .with_for_update(read=True, key_share=True)
    )
    return {row[0]: (row[1], row[2]) for row in found}


async def _there(conn: AsyncConnection, company: str, external_ids: Sequence[str]) -> Mapping[str, Any]:
    """What matters of the sources with these external ids."""
    columns = sources.c.external_id, sources.c.id, sources.c.digest, sources.c.procedure, sources.c.finished
    found = await conn.execute(
        select(*columns).where(sources.c.company == company, sources.c.external_id.in_(external_ids))
    )
    return {row.external_id: row for row in found}


async def _link(conn: AsyncConnection, key: str, link: tuple[str, int]) -> bool:
    """Link a source that was imported before its procedure; False if it has a link."""
    unlinked = update(sources).where(sources.c.id == key, sources.c.procedure == "")
    return bool((await conn.execute(unlinked.values(procedure=link[0], revision=link[1]))).rowcount)


async def _finish(conn: AsyncConnection, key: str) -> bool:
    """Finish a source; False if it was finished."""
    unfinished = update(sources).where(sources.c.id == key, sources.c.finished.is_(False))
    return bool((await conn.execute(unfinished.values(finished=True))).rowcount)


def _row(company: str, source: NewSource, link: tuple[str, int] | None, time: int) -> tuple[Any, ...]:
    """The values of the columns of `sources`, in their order."""
    return (
        new_id(),
        company,
        source.external_id,
        source.format,
        source.finished,
        *(link or ("", 0)),
        source.event_count,
        source.resource_count,
        source.digest,
        source.document,
        time,
    )


def _narrowed(company: str, which: SourceFilter) -> list[ColumnElement[bool]]:
    conditions = labels.identified(
        sources.c.external_id, which.external_id, which.external_ids, which.external_id_prefix
    )
    conditions += labels.having(company, sources.c.id, which.labels)
    if which.format:
        conditions.append(sources.c.format == which.format)
    if which.procedure:
        conditions.append(sources.c.procedure == which.procedure.removeprefix("procedures/"))
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
        labels=labels.split(row.labels),
    )
