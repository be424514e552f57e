"""Resources in revisions: rows of the resources, rows of their revisions, and what changes both.

A DRAFT revision can change, a READY one cannot. Numbers are not used again. Resources and revisions are frozen
dataclasses.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
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

from shared.db.appends import insert_new
from shared.db.engine import Database
from shared.db.lists import page
from shared.errors import GreenroomError
from shared.lists import Listed, Part
from shared.requests import RequestKey, first_result

DELETED = "DELETED"
"""The state of a deleted revision's row, which stays so that its number is not used again."""
READY = "READY"


class Resource(Protocol):
    """A resource with revisions; its fields are those that `Kind.read` gives it."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str: ...
    @property
    def external_id(self) -> str: ...
    @property
    def display_name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def latest_revision(self) -> int: ...
    @property
    def latest_ready_revision(self) -> int: ...
    @property
    def create_time(self) -> int: ...


class Version(Protocol):
    """A revision; it also has the name of its resource in the field `owner` of the kind."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def number(self) -> int: ...
    @property
    def state(self) -> str: ...


T = TypeVar("T", bound=Resource)
R = TypeVar("R", bound=Version)


def resource_table(name: str, metadata: MetaData) -> Table:
    """The table of a kind's resources."""
    return Table(
        name,
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


def revision_table(name: str, owner: str, metadata: MetaData) -> Table:
    """The table of their revisions. owner: the column with the id of the resource."""
    return Table(
        name,
        metadata,
        Column(owner, String, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("company", String, nullable=False),
        Column("state", String, nullable=False),
        Column("document", LargeBinary, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("ready_time", BigInteger, nullable=False),
    )


async def _hold_nothing(conn: AsyncConnection, company: str, name: str, number: int) -> None:
    """Nothing refers to it."""


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[T, R]):
    """How resources of a kind are stored.

    resources, revisions: their tables, by `resource_table` and `revision_table`. make: the class of a resource.
    prefix: of names, such as `procedures/`. owner: the field of a revision with the name of its resource, and the
    column with its id. document: a revision's content. read_revision: a revision from the columns of its row.
    told: what a resource's row says of the revision that was stored last. refuse: raises if something refers to a
    revision, or to the resource if the number is 0. not_found, no_revision, ready, only, taken: the errors.
    """

    resources: Table
    revisions: Table
    prefix: str
    owner: str
    make: Callable[..., T]
    document: Callable[[R], bytes]
    read_revision: Callable[[Mapping[str, Any]], R]
    not_found: type[GreenroomError]
    no_revision: type[GreenroomError]
    ready: type[GreenroomError]
    only: type[GreenroomError]
    taken: type[GreenroomError]
    told: Callable[[R], Mapping[str, object]] = lambda _: {}
    refuse: Callable[[AsyncConnection, str, str, int], Awaitable[None]] = _hold_nothing

    def key(self, name: str) -> str:
        """The id in a name."""
        return name.removeprefix(self.prefix)

    def read(self, row: Row[Any]) -> T:
        """The resource in a row."""
        return self.make(
            name=self.prefix + row.id,
            external_id=row.external_id or "",
            display_name=row.display_name,
            description=row.description,
            latest_revision=row.latest_revision,
            latest_ready_revision=row.latest_ready_revision,
            create_time=row.create_time,
        )

    def of(self, name: str) -> ColumnElement[bool]:
        """The rows of a resource's revisions."""
        return self.revisions.c[self.owner] == self.key(name)

    async def resource(self, conn: AsyncConnection, company: str, name: str, *, lock: bool = False) -> T:
        """A resource. Raises not_found."""
        rows = self.resources.c
        query = select(self.resources).where(rows.company == company, rows.id == self.key(name))
        row = (await conn.execute(query.with_for_update() if lock else query)).first()
        if row is None:
            raise self.not_found(name=name)
        return self.read(row)

    async def revision(self, conn: AsyncConnection, company: str, name: str, number: int, *, latest: int = 0) -> R:
        """A revision. latest: the newest number, for the error. Raises no_revision."""
        rows = self.revisions.c
        query = select(self.revisions).where(
            rows.company == company, self.of(name), rows.number == number, rows.state != DELETED
        )
        row = (await conn.execute(query)).first()
        if row is None:
            raise self.no_revision(name=name, revision=number, latest=latest)
        return self.read_revision({**row._mapping})

    async def insert(self, conn: AsyncConnection, company: str, new: T, revision: R) -> bool:
        """Store both and return True, or return False if the external id is taken."""
        row = {
            "id": self.key(new.name),
            "company": company,
            "external_id": new.external_id or None,
            "display_name": new.display_name,
            "description": new.description,
            "latest_revision": new.latest_revision,
            "latest_ready_revision": new.latest_ready_revision,
            "create_time": new.create_time,
        }
        if (await conn.execute(insert_new(self.resources, conn.dialect.name), row)).first() is None:
            return False
        await self.insert_revision(conn, company, revision)
        return True

    async def insert_revision(self, conn: AsyncConnection, company: str, revision: R) -> None:
        """Store a revision that has its number."""
        given: Any = revision
        row = {
            self.owner: self.key(getattr(given, self.owner)),
            "number": given.number,
            "company": company,
            "state": given.state,
            "document": self.document(revision),
            "create_time": given.create_time,
            "ready_time": given.ready_time,
        }
        await conn.execute(insert(self.revisions), row)

    async def point_to_newest(self, conn: AsyncConnection, name: str, told: Mapping[str, object] | None = None) -> None:
        """Store the numbers of the resource's newest revisions in its row. told: further columns."""
        rows = self.revisions.c
        newest = select(func.coalesce(func.max(rows.number), 0)).where(self.of(name))
        await conn.execute(
            update(self.resources)
            .where(self.resources.c.id == self.key(name))
            .values(
                latest_revision=newest.where(rows.state != DELETED).scalar_subquery(),
                latest_ready_revision=newest.where(rows.state == READY).scalar_subquery(),
                **(told or {}),
            )
        )


Claim = Callable[[AsyncConnection, str, RequestKey | None, str], Awaitable[str | None]]
"""(connection, company, the request, what it stores) → what the same request stored before; None if it is new."""


class RevisionStore(Generic[T, R]):
    """A company's resources of a kind with their revisions."""

    def __init__(self, db: Database, kind: Kind[T, R], claim: Claim) -> None:
        self._db = db
        self._kind = kind
        self._claim = claim

    async def create(self, company: str, new: T, revision: R, key: RequestKey | None) -> tuple[T, R]:
        """Store a resource and its first revision, or return those that the same request stored.

        Raises the kind's taken, RequestIdReused, ResultDeleted.
        """
        kind = self._kind

        async def work(conn: AsyncConnection) -> tuple[T, R]:
            earlier = await self._claim(conn, company, key, new.name)
            if key is not None and earlier is not None:
                resource = await first_result(key, earlier, kind.resource(conn, company, earlier))
                return resource, await first_result(key, earlier, kind.revision(conn, company, earlier, 1))
            if not await kind.insert(conn, company, new, revision):
                raise kind.taken(external_id=new.external_id)
            return new, revision

        return await self._db.writer.run(work)

    async def add_revision(self, company: str, revision: R, key: RequestKey | None) -> R:
        """Store a revision with the next number, or return the one that the same request stored.

        Raises the kind's not_found, RequestIdReused, ResultDeleted.
        """
        kind = self._kind
        name: str = getattr(revision, kind.owner)

        async def work(conn: AsyncConnection) -> R:
            resource = await kind.resource(conn, company, name, lock=True)
            last = await conn.scalar(select(func.max(kind.revisions.c.number)).where(kind.of(name)))
            added = _replaced(revision, number=(last or 0) + 1)
            earlier = await self._claim(conn, company, key, str(added.number))
            if key is not None and earlier is not None:
                shown = f"revision {earlier} of {resource.name}"
                return await first_result(key, shown, kind.revision(conn, company, resource.name, int(earlier)))
            await kind.insert_revision(conn, company, added)
            await kind.point_to_newest(conn, resource.name, kind.told(added))
            return added

        return await self._db.writer.run(work)

    async def mark_ready(self, company: str, name: str, number: int, time: int) -> R:
        """Make a revision READY, if it is not. Raises the kind's not_found and no_revision."""
        kind = self._kind

        async def work(conn: AsyncConnection) -> R:
            found = await kind.resource(conn, company, name, lock=True)
            revision = await kind.revision(conn, company, name, number, latest=found.latest_revision)
            if revision.state == READY:
                return revision
            await conn.execute(
                update(kind.revisions)
                .where(kind.of(name), kind.revisions.c.number == number)
                .values(state=READY, ready_time=time)
            )
            await kind.point_to_newest(conn, name)
            return await kind.revision(conn, company, name, number)

        return await self._db.writer.run(work)

    async def update_revision(self, company: str, new: R) -> R:
        """Replace the content of the DRAFT with this number. Raises the kind's not_found, no_revision and ready."""
        kind = self._kind
        name: str = getattr(new, kind.owner)

        async def work(conn: AsyncConnection) -> R:
            resource = await kind.resource(conn, company, name, lock=True)
            before: Any = await kind.revision(conn, company, name, new.number, latest=resource.latest_revision)
            if before.state == READY:
                raise kind.ready(name=resource.name, revision=new.number)
            await conn.execute(
                update(kind.revisions)
                .where(kind.of(name), kind.revisions.c.number == new.number)
                .values(document=kind.document(new))
            )
            await kind.point_to_newest(conn, name, kind.told(new))
            return _replaced(new, state=before.state, create_time=before.create_time, ready_time=before.ready_time)

        return await self._db.writer.run(work)

    async def delete_revision(self, company: str, name: str, number: int) -> None:
        """Delete a revision. Raises the kind's not_found, no_revision and only, and what its refuse does."""
        kind = self._kind
        rows = kind.revisions.c

        async def work(conn: AsyncConnection) -> None:
            resource = await kind.resource(conn, company, name, lock=True)
            await kind.revision(conn, company, name, number, latest=resource.latest_revision)
            there = select(func.count()).where(kind.of(name), rows.state != DELETED)
            if await conn.scalar(there) == 1:
                raise kind.only(name=name, revision=number)
            await kind.refuse(conn, company, name, number)
            await conn.execute(
                update(kind.revisions)
                .where(kind.of(name), rows.number == number)
                .values(state=DELETED, document=b"", ready_time=0)
            )
            await kind.point_to_newest(conn, name)

        await self._db.writer.run(work)

    async def delete(self, company: str, name: str) -> None:
        """Delete a resource with its revisions. Raises the kind's not_found, and what its refuse does."""
        kind = self._kind

        async def work(conn: AsyncConnection) -> None:
            await kind.resource(conn, company, name, lock=True)
            await kind.refuse(conn, company, name, 0)
            await conn.execute(delete(kind.revisions).where(kind.of(name)))
            await conn.execute(delete(kind.resources).where(kind.resources.c.id == kind.key(name)))

        await self._db.writer.run(work)

    async def get(self, company: str, name: str, revision: int) -> tuple[T, R]:
        """A resource and one of its revisions, 0 for the newest. Raises the kind's not_found and no_revision."""
        kind = self._kind
        async with self._db.read() as conn:
            resource = await kind.resource(conn, company, name)
            latest = resource.latest_revision
            return resource, await kind.revision(conn, company, name, revision or latest, latest=latest)

    async def page(self, company: str, part: Part, external_id: str) -> Listed[T]:
        """A part of the resources, newest first."""
        rows = self._kind.resources.c
        query = select(self._kind.resources).where(rows.company == company)
        if external_id:
            query = query.where(rows.external_id == external_id)
        return await page(self._db, query, rows.id, part, self._kind.read)


def _replaced(revision: R, **changes: object) -> R:
    given: Any = revision
    changed: R = replace(given, **changes)
    return changed
