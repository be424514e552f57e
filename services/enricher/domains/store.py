"""Stores domains and their revisions."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.enricher.domains.errors import (
    DomainInUse,
    DomainNotFound,
    DomainRevisionNotFound,
    DomainRevisionReady,
    OnlyDomainRevision,
)
from services.enricher.domains.model import PREFIX, Domain, Imported, NewRevision, Revision, RevisionState, Whole
from services.enricher.store import claim, earlier, metadata
from shared.db.appends import insert_new
from shared.db.engine import Database
from shared.db.lists import newest_time, page
from shared.db.packs import load_pack
from shared.lists import Listed, Part
from shared.requests import RequestKey, first_result

domains = Table(
    "domains",
    metadata,
    Column("company", String, primary_key=True),
    Column("id", String, primary_key=True),  # as its importer chose it
    Column("latest_revision", Integer, nullable=False),
    Column("latest_ready_revision", Integer, nullable=False),
    Column("creator", String, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Index(None, "company", "create_time", "id"),
)

revisions = Table(
    "domain_revisions",
    metadata,
    Column("company", String, primary_key=True),
    Column("domain", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String, nullable=False),
    Column("display_name", String, nullable=False),
    Column("description", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("ready_time", BigInteger, nullable=False),
)

_DELETED = "DELETED"
"""The state of a deleted revision's row, which stays so that its number is not used again."""
_UNCHANGED = " unchanged"

Referring = Callable[[AsyncConnection, str, str, int], Awaitable[str | None]]
"""(connection, company, domain's id, revision's number or 0) → what refers to it, as the rest of a sentence."""


class DomainStore:
    """The domains of all companies, without the built-in ones."""

    def __init__(self, db: Database, referring: Sequence[Referring]) -> None:
        self._db = db
        self._referring = referring

    async def add(self, company: str, new: NewRevision, key: RequestKey | None) -> Imported:
        """Store a pack, or return what the same request stored.

        Raises DomainNotFound, DomainRevisionNotFound, DomainRevisionReady, RequestIdReused, ResultDeleted.
        """

        if key is not None and (made := await earlier(self._db, company, key)) is not None:
            return await self._repeated(company, key, made)

        async def work(conn: AsyncConnection) -> Imported:
            if new.revision:
                before: Whole | None = await _locked(conn, company, new.domain, new.revision)
            else:
                before = await _made(conn, company, new)
            stored = await _settle(conn, company, new, before)
            number = f"{stored.revision.number}{_UNCHANGED if stored.unchanged else ''}"
            meanwhile = await claim(conn, company, key, f"{new.domain}/{number}")
            if meanwhile is not None:
                raise _Repeated(meanwhile)
            return stored

        try:
            return await self._db.writer.run(work)
        except _Repeated as repeated:  # by a call at the same time; what this one stored is rolled back
            assert key is not None
            return await self._repeated(company, key, repeated.made)

    async def _repeated(self, company: str, key: RequestKey, made: str) -> Imported:
        name, _, number = made.removesuffix(_UNCHANGED).rpartition("/")
        first = self.get(company, name, int(number))
        domain, revision = await first_result(key, f"revision {number} of {name}", first)
        return Imported(domain, revision, made.endswith(_UNCHANGED))

    async def mark_ready(self, company: str, name: str, number: int, time: int) -> Domain:
        """Make a revision READY, if it is not. Raises DomainNotFound, DomainRevisionNotFound."""

        async def work(conn: AsyncConnection) -> Domain:
            _, revision = await _locked(conn, company, name, number)
            if revision.state is RevisionState.DRAFT:
                await _change(conn, company, name, number, state=RevisionState.READY, ready_time=time)
                await _point_to_newest(conn, company, name)
            return await _domain(conn, company, name)

        return await self._db.writer.run(work)

    async def delete_revision(self, company: str, name: str, number: int) -> None:
        """Delete a revision. Raises DomainNotFound, DomainRevisionNotFound, OnlyDomainRevision, DomainInUse."""

        async def work(conn: AsyncConnection) -> None:
            await _locked(conn, company, name, number)
            there = select(func.count()).where(_of(company, name), revisions.c.state != _DELETED)
            if await conn.scalar(there) == 1:
                raise OnlyDomainRevision(name=name, revision=number)
            if (by := await self._by(conn, company, name.removeprefix(PREFIX), number)) is not None:
                raise DomainInUse(name=f"revision {number} of {name}", by=by)
            await _change(conn, company, name, number, state=_DELETED, document=b"", digest="", ready_time=0)
            await _point_to_newest(conn, company, name)

        await self._db.writer.run(work)

    async def delete(self, company: str, name: str) -> None:
        """Delete a domain with its revisions. Raises DomainNotFound, DomainInUse."""

        async def work(conn: AsyncConnection) -> None:
            await _domain(conn, company, name, lock=True)
            key = name.removeprefix(PREFIX)
            if (by := await self._by(conn, company, key, 0)) is not None:
                raise DomainInUse(name=name, by=by)
            await conn.execute(delete(revisions).where(_of(company, name)))
            await conn.execute(delete(domains).where(domains.c.company == company, domains.c.id == key))

        await self._db.writer.run(work)

    async def get(self, company: str, name: str, revision: int) -> Whole:
        """A domain and one of its revisions, 0 for the newest. Raises DomainNotFound, DomainRevisionNotFound."""
        async with self._db.read() as conn:
            domain = await _domain(conn, company, name)
            return domain, await _revision(conn, company, domain, revision or domain.latest_revision)

    async def page(self, company: str, part: Part) -> Listed[Domain]:
        """A part of the company's domains, newest first."""
        return await page(self._db, _domains(company), domains.c.id, part, _read_domain, domains.c.create_time)

    async def names(self, company: str) -> list[str]:
        """The names of the company's newest domains, up to 1,000."""
        query = select(domains.c.id).where(domains.c.company == company)
        rows = await self._db.fetch(query.order_by(domains.c.create_time.desc()).limit(1000))
        return [PREFIX + row.id for row in rows]

    async def searched(self, company: str, name: str) -> Mapping[str, tuple[int, str]]:
        """The revision to search of each domain of the company, or only of this one, and its digest.

        That is the newest READY one, or else the newest.
        """
        ready, latest = domains.c.latest_ready_revision, domains.c.latest_revision
        chosen = (ready == revisions.c.number) | ((ready == 0) & (latest == revisions.c.number))
        query = (
            select(domains.c.id, revisions.c.number, revisions.c.digest)
            .join(revisions, (revisions.c.company == domains.c.company) & (revisions.c.domain == domains.c.id) & chosen)
            .where(domains.c.company == company)
        )
        if name:
            query = query.where(domains.c.id == name.removeprefix(PREFIX))
        rows = await self._db.fetch(query.order_by(domains.c.create_time.desc()))
        return {PREFIX + row.id: (row.number, row.digest) for row in rows}

    async def document(self, company: str, name: str, number: int) -> bytes:
        """The document of a revision; empty if it is gone."""
        query = select(revisions.c.document).where(_of(company, name), revisions.c.number == number)
        rows = await self._db.fetch(query)
        return bytes(rows[0].document) if rows else b""

    async def _by(self, conn: AsyncConnection, company: str, key: str, revision: int) -> str | None:
        """What refers to a domain, as the rest of a sentence."""
        for referring in self._referring:
            if (by := await referring(conn, company, key, revision)) is not None:
                return by
        return None


class _Repeated(Exception):
    """The request was made already; made: what it recorded."""

    def __init__(self, made: str) -> None:
        super().__init__(made)
        self.made = made


async def _made(conn: AsyncConnection, company: str, new: NewRevision) -> Whole | None:
    """Make the domain of a new pack and return None; or lock the one that is there, and return its newest revision."""
    time = await newest_time(conn, domains.c.create_time, domains.c.company == company, new.time)
    row = {
        "company": company,
        "id": new.domain.removeprefix(PREFIX),
        "latest_revision": 0,
        "latest_ready_revision": 0,
        "creator": new.creator,
        "create_time": time,
    }
    if (await conn.execute(insert_new(domains, conn.dialect.name), row)).first() is not None:
        return None
    return await _locked(conn, company, new.domain, 0)


async def _settle(conn: AsyncConnection, company: str, new: NewRevision, before: Whole | None) -> Imported:
    """Store the pack as a revision. before: the revision to replace, or the newest one."""
    unchanged = before is not None and before[1].digest == new.digest
    if before is not None and (unchanged or new.revision):
        revision = before[1]
        if not unchanged and revision.state is RevisionState.READY:
            raise DomainRevisionReady(name=new.domain, revision=revision.number)
        values = {} if unchanged else _content(new)
        if new.ready and revision.state is RevisionState.DRAFT:
            revision = replace(revision, state=RevisionState.READY, ready_time=new.time)
            values |= {"state": revision.state, "ready_time": revision.ready_time}
        if values:
            await _change(conn, company, new.domain, revision.number, **values)
        revision = replace(revision, pack=new.pack, digest=new.digest)
    else:
        last = await conn.scalar(select(func.max(revisions.c.number)).where(_of(company, new.domain)))
        state = RevisionState.READY if new.ready else RevisionState.DRAFT
        ready_time = new.time if new.ready else 0
        revision = Revision(new.domain, (last or 0) + 1, state, new.pack, new.digest, new.time, ready_time)
        key = {"company": company, "domain": new.domain.removeprefix(PREFIX), "number": revision.number}
        times = {"state": state, "create_time": new.time, "ready_time": ready_time}
        await conn.execute(insert(revisions), {**key, **_content(new), **times})
    await _point_to_newest(conn, company, new.domain)
    return Imported(await _domain(conn, company, new.domain), revision, unchanged)


def _content(new: NewRevision) -> dict[str, Any]:
    return {
        "display_name": new.pack.display_name,
        "description": new.pack.description,
        "digest": new.digest,
        "document": new.document,
    }


async def _change(conn: AsyncConnection, company: str, name: str, number: int, **values: Any) -> None:
    await conn.execute(update(revisions).where(_of(company, name), revisions.c.number == number).values(**values))


async def _point_to_newest(conn: AsyncConnection, company: str, name: str) -> None:
    """Store the numbers of the domain's newest revisions in its row."""
    newest = select(func.coalesce(func.max(revisions.c.number), 0)).where(_of(company, name))
    await conn.execute(
        update(domains)
        .where(domains.c.company == company, domains.c.id == name.removeprefix(PREFIX))
        .values(
            latest_revision=newest.where(revisions.c.state != _DELETED).scalar_subquery(),
            latest_ready_revision=newest.where(revisions.c.state == RevisionState.READY).scalar_subquery(),
        )
    )


async def _locked(conn: AsyncConnection, company: str, name: str, number: int) -> Whole:
    """A domain, locked, and one of its revisions, 0 for the newest. Raises DomainNotFound, DomainRevisionNotFound."""
    domain = await _domain(conn, company, name, lock=True)
    return domain, await _revision(conn, company, domain, number or domain.latest_revision)


async def _domain(conn: AsyncConnection, company: str, name: str, *, lock: bool = False) -> Domain:
    if lock:
        row = domains.c.company == company, domains.c.id == name.removeprefix(PREFIX)
        await conn.execute(select(domains.c.id).where(*row).with_for_update())
    found = await conn.execute(_domains(company).where(domains.c.id == name.removeprefix(PREFIX)))
    row_found = found.first()
    if row_found is None:
        raise DomainNotFound(name=name, near="")
    return _read_domain(row_found)


async def _revision(conn: AsyncConnection, company: str, domain: Domain, number: int) -> Revision:
    found = await conn.execute(
        select(revisions).where(_of(company, domain.name), revisions.c.number == number, revisions.c.state != _DELETED)
    )
    row = found.first()
    if row is None:
        raise DomainRevisionNotFound(name=domain.name, revision=number, latest=domain.latest_revision)
    return _read_revision(row)


def _of(company: str, name: str) -> ColumnElement[bool]:
    return (revisions.c.company == company) & (revisions.c.domain == name.removeprefix(PREFIX))


def _domains(company: str) -> Select[Any]:
    """The company's domains, with what people call them."""
    newest = (
        (revisions.c.company == domains.c.company)
        & (revisions.c.domain == domains.c.id)
        & (revisions.c.number == domains.c.latest_revision)
    )
    return (
        select(domains, revisions.c.display_name, revisions.c.description)
        .join(revisions, newest)
        .where(domains.c.company == company)
    )


def _read_domain(row: Row[Any]) -> Domain:
    return Domain(
        name=PREFIX + row.id,
        display_name=row.display_name,
        description=row.description,
        latest_revision=row.latest_revision,
        latest_ready_revision=row.latest_ready_revision,
        creator=row.creator,
        create_time=row.create_time,
    )


def _read_revision(row: Row[Any]) -> Revision:
    return Revision(
        domain=PREFIX + row.domain,
        number=row.number,
        state=RevisionState(row.state),
        pack=load_pack(row.document),
        digest=row.digest,
        create_time=row.create_time,
        ready_time=row.ready_time,
    )
