"""Stores long work: one row and one event log each."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Executable,
    Index,
    MetaData,
    Row,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import ledger
from shared.db.appends import Append, AppendConflict, NewEvent, insert_new
from shared.db.engine import Database
from shared.db.eventlog import EventLog, NewStream
from shared.db.lists import page
from shared.db.tables import EventTables
from shared.db.topics import announce
from shared.engine.jobs import TOPIC, Job
from shared.errors import GreenroomError
from shared.ids import new_id
from shared.lists import Listed, Part
from shared.requests import RequestKey
from shared.work.errors import WorkNotFound, WorkNotOver, WorkNotRetriable, WorkOver
from shared.work.model import BEGUN, ENDED, OVER, TRANSITIONS, State, Work

T = TypeVar("T")

Also = tuple[Executable, Mapping[str, object]]
"""A statement and its parameters; see `Append.also`."""

_COMMON = ("company", "state", "reason", "detail", "creator", "wanted", "create_time", "end_time")
_PER_COMPANY = 16
_READ_AT_ONCE = 1_000
# List the states, so that the index on state is used.
_NOT_OVER = [state for state in State if not state.over]


def work_table(name: str, metadata: MetaData, *own: Column[Any]) -> Table:
    """Declare a noun's table: the common columns, then its own."""
    return Table(
        name,
        metadata,
        Column("id", String, primary_key=True),
        *(Column(one, BigInteger if one.endswith("_time") else String, nullable=False) for one in _COMMON),
        *own,
        Index(None, "company", "id"),
        Index(None, "company", "state", "id"),
        Index(None, "state"),
    )


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One noun's long work; the table's name is the collection in names.

    table: from `work_table`. log, requests: the service's event log and ledger.
    write, read: convert a body to the noun's own columns and back. A body's fields have the names of the columns. Lists
    leave out the columns in `unlisted`, so `read` must accept a mapping without them.
    continues: False if a work that is resumed starts again from its beginning.
    waits: True if its steps only wait for other processes, so that no work of this kind can take its own process down.
    retriable: the states that a retry leaves; COMPLETED too if a work can be continued after its end.
    taken: the error when a unique column of a new row is in use.
    """

    table: Table
    log: EventTables
    requests: Table
    write: Callable[[T], dict[str, Any]]
    read: Callable[[Mapping[str, Any]], T]
    unlisted: Collection[str] = ()
    continues: bool = True
    waits: bool = False
    retriable: Collection[State] = (State.FAILED,)
    taken: Callable[[T], GreenroomError] = lambda _: GreenroomError()
    not_found: type[GreenroomError] = WorkNotFound
    over: type[GreenroomError] = WorkOver
    not_retriable: type[GreenroomError] = WorkNotRetriable
    not_over: type[GreenroomError] = WorkNotOver

    @property
    def name(self) -> str:
        """The collection that names begin with, such as `datasets`; also the kind of the jobs."""
        return self.table.name


class WorkStore(Generic[T]):
    """The works of one kind of all companies, on SQLite or PostgreSQL."""

    def __init__(self, kind: Kind[T], db: Database, event_log: EventLog) -> None:
        self.kind = kind
        self._db = db
        self._log = event_log
        self._rows = kind.table.c
        columns = [one for one in self._rows if one.name not in kind.unlisted]
        self._whole, self._listed = self._select(list(self._rows)), self._select(columns)

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """The name that the same request created before; None if it is new. Raises RequestIdReused."""
        return await ledger.earlier(self.kind.requests, self._db, company, key)

    async def create(self, work: Work[T], key: RequestKey | None = None) -> str:
        """Store it and return its name, or the name that the same request created before.

        Raises RequestIdReused, and `Kind.taken`.
        """

        async def store(conn: AsyncConnection) -> str:
            earlier = await ledger.claim(self.kind.requests, conn, work.company, key, work.name)
            if earlier is not None:
                return earlier
            await self.creating(conn, work)
            row = {"id": work.id, "wanted": "", **{one: getattr(work, one) for one in _COMMON if one != "wanted"}}
            added = await conn.execute(insert_new(self.kind.table, conn.dialect.name), row | self.kind.write(work.body))
            if added.first() is None:
                raise self.kind.taken(work.body)
            events = (NewEvent(new_id(), ENDED),) if work.state.over else ()
            await self._log.open_streams(conn, [NewStream(work.id, work.company, events=events)])
            announce(conn, TOPIC)
            return work.name

        return await self._db.writer.run(store)

    async def get(self, company: str, name: str) -> Work[T]:
        """The company's work of that name. Raises `Kind.not_found`."""
        found = await self._db.fetch(self._whole.where(self._rows.id == self._id(name), self._rows.company == company))
        if not found:
            raise self.kind.not_found(name=name)
        return self._work(found[0])

    async def find(self, name: str) -> Work[T] | None:
        """The work of any company; None if it was deleted."""
        found = await self._db.fetch(self._whole.where(self._rows.id == self._id(name)))
        return self._work(found[0]) if found else None

    async def page(self, company: str, state: State | None, part: Part) -> Listed[Work[T]]:
        """A part of the company's works, newest first, without their unlisted columns."""
        query = self._listed.where(self._rows.company == company)
        if state is not None:
            query = query.where(self._rows.state == state)
        return await page(self._db, query, self._rows.id, part, self._work)

    async def ids(self, among: Collection[str]) -> Collection[str]:
        """Those of the ids that exist."""
        return [row.id for row in await self._db.fetch(select(self._rows.id).where(self._rows.id.in_(among)))]

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Jobs of works that are neither over nor running: the oldest of each company, oldest first."""
        rank = func.row_number().over(partition_by=self._rows.company, order_by=self._rows.id)
        ranked = (
            select(self._rows.id, self._rows.company, rank.label("rank"))
            .where(self._rows.state.in_(_NOT_OVER), self._rows.id.not_in(list(running)))
            .subquery()
        )
        query = select(ranked.c.id, ranked.c.company).where(ranked.c.rank <= _PER_COMPANY).order_by(ranked.c.id)
        found = await self._db.fetch(query)
        return [Job(self.kind.name, row.id, row.company, self.kind.name) for row in found]

    async def begun(self) -> Sequence[tuple[Job, int]]:
        """The RUNNING works as jobs, each with the number of its next event, or 0 if it starts again when resumed.

        None if works of this kind cannot take their process down.
        """
        if self.kind.waits:
            return ()
        query = self._listed.where(self._rows.state == State.RUNNING).order_by(self._rows.id)
        works = [self._work(row) for row in await self._db.fetch(query)]
        return [
            (Job(self.kind.name, work.id, work.company, self.kind.name), work.next_seq if self.kind.continues else 0)
            for work in works
        ]

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Those of the running works, by id, that a caller asked to cancel."""
        query = select(self._rows.id).where(self._rows.id.in_(list(running)), self._rows.wanted != "")
        return [row.id for row in await self._db.fetch(query)]

    async def append(self, work: Work[T], *events: bytes, also: Sequence[Also] = (), **changes: Any) -> Work[T]:
        """Append events of a RUNNING work, set columns of its body, and return the changed work.

        also: statements to run in the same transaction. Raises AppendConflict if another process appended first.
        """
        await self._append(work, events, State.RUNNING, changes, also)
        body = replace(work.body, **changes)  # type: ignore[type-var]
        return replace(work, state=State.RUNNING, body=body, next_seq=work.next_seq + len(events))

    async def end(
        self, work: Work[T], state: State, time: int, reason: str = "", detail: str = "", **changes: Any
    ) -> None:
        """Append that it is over, and set columns of its body. Raises AppendConflict."""
        await self._append(work, (ENDED,), state, {"reason": reason, "detail": detail, "end_time": time, **changes})

    async def events(self, work: Work[T]) -> list[bytes]:
        """The noun's own events, in order."""
        events: list[bytes] = []
        after = 0
        while page := await self._log.read(work.id, after, _READ_AT_ONCE):
            events += [one.payload for one in page if one.payload not in (BEGUN, ENDED)]
            after = page[-1].seq
        return events

    async def cancel(self, work: Work[T], time: int) -> None:
        """End a PENDING work as CANCELLED, and let the job end a RUNNING one; a work that is over does not change."""
        if work.state is State.PENDING:
            try:
                return await self.end(work, State.CANCELLED, time)
            except AppendConflict:
                pass  # A job began or ended it meanwhile.
        before = [state for state, after in TRANSITIONS.items() if State.CANCELLED in after]
        return await self._update(work, before, {"wanted": State.CANCELLED})

    async def retry(self, work: Work[T], **changes: Any) -> None:
        """Make a work PENDING that is in a retriable state, and set columns of its body; any other does not change."""
        again = {"state": State.PENDING, "wanted": "", "reason": "", "detail": "", "end_time": 0}
        await self._update(work, self.kind.retriable, again | changes)

    async def delete(self, work: Work[T]) -> bool:
        """Delete the work with its events if it is over; True if it was."""

        async def remove(conn: AsyncConnection) -> bool:
            over = (self._rows.id == work.id) & self._rows.state.in_(OVER)
            if (await conn.execute(delete(self.kind.table).where(over).returning(self._rows.id))).first() is None:
                return False
            await self.removing(conn, work)
            await self._log.delete(conn, [work.id])
            return True

        return await self._db.writer.run(remove)

    async def creating(self, conn: AsyncConnection, work: Work[T]) -> None:
        """Store what else the noun stores of a new work, in its transaction; raise what holds it back."""

    async def removing(self, conn: AsyncConnection, work: Work[T]) -> None:
        """Delete what else the noun stores of a work, in the transaction that deletes it; raise what holds it back."""

    async def _append(
        self,
        work: Work[T],
        events: Sequence[bytes],
        state: State,
        values: Mapping[str, Any],
        also: Sequence[Also] = (),
    ) -> None:
        if state not in TRANSITIONS[work.state]:
            raise ValueError(f"{work.name} cannot become {state}: it is {work.state}")
        change = update(self.kind.table).where(self._rows.id == bindparam("of")).values(state=state, **values)
        stored = tuple(NewEvent(new_id(), event) for event in events)
        await self._db.writer.append(Append(work.id, work.next_seq, stored, ((change, {"of": work.id}), *also)))

    async def _update(self, work: Work[T], before: Collection[State], values: Mapping[str, Any]) -> None:
        """Set columns if the stored state is one of `before`, and wake the engine."""
        stored = self._rows.state.in_(list(before))
        change = update(self.kind.table).where(self._rows.id == work.id, stored).values(values)

        async def run(conn: AsyncConnection) -> None:
            await conn.execute(change)
            announce(conn, TOPIC)

        await self._db.writer.run(run)

    def _select(self, columns: Sequence[Any]) -> Select[Any]:
        streams = self.kind.log.streams.c
        return select(*columns, streams.next_seq).join(self.kind.log.streams, self._rows.id == streams.stream)

    def _work(self, row: Row[Any]) -> Work[T]:
        fields = dict(row._mapping)
        common = {one: fields.pop(one) for one in (*_COMMON, "next_seq")}
        name, wanted = f"{self.kind.name}/{fields.pop('id')}", common.pop("wanted")
        common["state"] = State(common["state"])
        return Work(name, body=self.kind.read(fields), wanted=State(wanted) if wanted else None, **common)

    def _id(self, name: str) -> str:
        return name.removeprefix(f"{self.kind.name}/")
