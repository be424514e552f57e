"""Learnings at rest: a row each, and an event log with how far it was, each time it was noted, and that it ended."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.testdata.store.requests import claim, earlier
from services.testdata.store.tables import learnings, log
from services.testdata.traces.learning.documents import (
    read_spec,
    write_progress,
    write_spec,
)
from services.testdata.traces.learning.errors import LearningNotFound
from services.testdata.traces.learning.kept import OVER, PREFIX, Learning, LearningState, Progress
from shared.db.appends import Append, AppendConflict, Constant, NewEvent
from shared.db.engine import Database
from shared.db.eventlog import EventLog, NewStream
from shared.db.topics import announce
from shared.engine.jobs import TOPIC, Job
from shared.ids import new_id
from shared.requests import RequestKey

_OF_EACH_COMPANY = 16
# As a list of those, which an index finds.
_GOING_ON = [state for state in LearningState if not state.over]

_SUMMARY = [column for column in learnings.c if column is not learnings.c.result]
_STREAM = learnings.c.id == log.streams.c.stream

_OF = learnings.c.id == bindparam("of")
_NOTED = Constant(
    __name__,
    update(learnings)
    .where(_OF)
    .values(state=LearningState.RUNNING, bytes_done=bindparam("done"), byte_count=bindparam("in_all")),
)
_COMPLETED = Constant(
    __name__,
    update(learnings)
    .where(_OF)
    .values(
        state=LearningState.COMPLETED,
        bytes_done=learnings.c.byte_count,
        result=bindparam("document"),
        end_time=bindparam("at"),
    ),
)
_ENDED = Constant(
    __name__,
    update(learnings)
    .where(_OF)
    .values({name: bindparam(f"new_{name}") for name in ("state", "reason", "detail", "end_time")}),
)


class LearningStore:
    """The learnings of all companies on SQLite or PostgreSQL."""

    def __init__(self, db: Database, event_log: EventLog) -> None:
        self._db = db
        self._log = event_log

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """The name that the same request made before; None if it is new. Raises RequestIdReused."""
        return await earlier(self._db, company, key)

    async def create(self, learning: Learning, key: RequestKey | None = None) -> str:
        """Store it and return its name, or that of the first result for the same request. Raises RequestIdReused."""

        async def work(conn: AsyncConnection) -> str:
            made_before = await claim(conn, learning.company, key, learning.name)
            if made_before is not None:
                return made_before
            await conn.execute(insert(learnings), _row(learning))
            events = (_event(None),) if learning.state.over else ()
            await self._log.open_streams(conn, [NewStream(learning.id, learning.company, events=events)])
            announce(conn, TOPIC)
            return learning.name

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> Learning:
        """Raises LearningNotFound."""
        found = await self._db.fetch(_whole(name).where(learnings.c.company == company))
        if not found:
            raise LearningNotFound(name=name)
        return _read(found[0])

    async def find(self, name: str) -> Learning | None:
        """The learning, whoever's it is; None if it is gone."""
        found = await self._db.fetch(_whole(name))
        return _read(found[0]) if found else None

    async def page(self, company: str, state: LearningState | None, after: str, limit: int) -> list[Learning]:
        """Up to limit behind the one with the id after, oldest first, without what was learned."""
        query = (
            select(*_SUMMARY, log.streams.c.next_seq)
            .join(log.streams, _STREAM)
            .where(learnings.c.company == company, learnings.c.id > after)
            .order_by(learnings.c.id)
            .limit(limit)
        )
        if state is not None:
            query = query.where(learnings.c.state == state)
        return [_read(row) for row in await self._db.fetch(query)]

    async def cancel(self, learning: Learning, time: int) -> None:
        """Ask for it to stop; one that only waits is CANCELLED at once, and one that is over is let be."""
        if learning.state is LearningState.PENDING:
            try:
                return await self.end(learning, LearningState.CANCELLED, time)
            except AppendConflict:
                pass  # it has begun meanwhile, or is over

        async def ask(conn: AsyncConnection) -> None:
            going_on = (learnings.c.id == learning.id) & learnings.c.state.not_in(OVER)
            await conn.execute(update(learnings).where(going_on).values(wanted=LearningState.CANCELLED))
            announce(conn, TOPIC)

        return await self._db.writer.run(ask)

    async def delete(self, learning: Learning) -> bool:
        """Remove it for good if it is over; whether it was."""

        async def remove(conn: AsyncConnection) -> bool:
            over = (learnings.c.id == learning.id) & learnings.c.state.in_(OVER)
            if (await conn.execute(delete(learnings).where(over).returning(learnings.c.id))).first() is None:
                return False
            await self._log.delete(conn, [learning.id])
            return True

        return await self._db.writer.run(remove)

    async def known(self, ids: Collection[str]) -> Collection[str]:
        """Those of the ids that there are."""
        return [row.id for row in await self._db.fetch(select(learnings.c.id).where(learnings.c.id.in_(ids)))]

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Jobs of learnings that are not over and not running: the oldest of every company, in that order."""
        place = func.row_number().over(partition_by=learnings.c.company, order_by=learnings.c.id)
        ranked = (
            select(learnings.c.id, learnings.c.company, place.label("place"))
            .where(learnings.c.state.in_(_GOING_ON), learnings.c.id.not_in(_ids(running)))
            .subquery()
        )
        query = select(ranked.c.id, ranked.c.company).where(ranked.c.place <= _OF_EACH_COMPANY).order_by(ranked.c.id)
        return [Job("learning", PREFIX + row.id, row.company) for row in await self._db.fetch(query)]

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Those of these learnings that somebody asked to cancel."""
        query = select(learnings.c.id).where(learnings.c.id.in_(_ids(running)), learnings.c.wanted != "")
        return [PREFIX + row.id for row in await self._db.fetch(query)]

    async def note(self, learning: Learning, progress: Progress, byte_count: int) -> Learning:
        """Append how far it is: it is RUNNING. Raises AppendConflict if somebody else went on with it."""
        done = progress.bytes_done
        await self._append(learning, progress, _NOTED, {"done": done, "in_all": byte_count})
        return replace(
            learning,
            state=LearningState.RUNNING,
            bytes_done=done,
            byte_count=byte_count,
            next_seq=learning.next_seq + 1,
        )

    async def complete(self, learning: Learning, document: bytes, time: int) -> None:
        """Append that it is COMPLETED, with what was learned. Raises AppendConflict."""
        await self._append(learning, None, _COMPLETED, {"document": document, "at": time})

    async def end(
        self, learning: Learning, state: LearningState, time: int, reason: str = "", detail: str = ""
    ) -> None:
        """Append that it is over without a result. Raises AppendConflict."""
        new = {"new_state": state, "new_reason": reason, "new_detail": detail, "new_end_time": time}
        await self._append(learning, None, _ENDED, new)

    async def _append(
        self, learning: Learning, progress: Progress | None, statement: Constant, values: Mapping[str, object]
    ) -> None:
        also = ((statement, {"of": learning.id, **values}),)
        await self._db.writer.append(Append(learning.id, learning.next_seq, (_event(progress),), also))


def _event(progress: Progress | None) -> NewEvent:
    return NewEvent(new_id(), write_progress(progress))


def _ids(names: Collection[str]) -> list[str]:
    return [name.removeprefix(PREFIX) for name in names]


def _whole(name: str) -> Select[Any]:
    return (
        select(learnings, log.streams.c.next_seq)
        .join(log.streams, _STREAM)
        .where(learnings.c.id == name.removeprefix(PREFIX))
    )


def _row(learning: Learning) -> dict[str, Any]:
    return {
        "id": learning.id,
        "company": learning.company,
        "state": learning.state,
        "spec": None if learning.spec is None else write_spec(learning.spec),
        "result": learning.document,
        "bytes_done": learning.bytes_done,
        "byte_count": learning.byte_count,
        "reason": "",
        "detail": "",
        "creator": learning.creator,
        "wanted": "",
        "create_time": learning.create_time,
        "end_time": learning.end_time,
    }


def _read(row: Row[*tuple[Any, ...]]) -> Learning:
    fields = dict(row._mapping)
    document, spec, wanted = fields.pop("result", None), fields.pop("spec"), fields.pop("wanted")
    return Learning(
        **{**fields, "state": LearningState(fields["state"])},
        spec=None if spec is None else read_spec(spec),
        document=document,
        wanted=LearningState(wanted) if wanted else None,
    )
