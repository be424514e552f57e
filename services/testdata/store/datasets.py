"""Datasets at rest: a row each, and an event log with what happened to them: begun, a part written, ended."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.testdata.store.requests import claim, earlier
from services.testdata.store.tables import datasets, log
from services.testdata.traces.datasets.documents import pack_event, read_spec, spec_json, unpack_event
from services.testdata.traces.datasets.errors import DatasetNotFound, DestinationTaken
from services.testdata.traces.datasets.model import (
    OVER,
    PREFIX,
    Dataset,
    DatasetEvent,
    DatasetState,
    Milestone,
    Part,
)
from services.testdata.traces.digest import canonical_json, read_canonical
from shared.db.appends import Append, AppendConflict, Constant, NewEvent, insert_new
from shared.db.engine import Database
from shared.db.eventlog import EventLog, NewStream
from shared.db.topics import announce
from shared.engine.jobs import TOPIC, Job
from shared.ids import new_id
from shared.requests import RequestKey

_OF_EACH_COMPANY = 16
_READ_AT_ONCE = 1_000
# As a list of those, which an index finds.
_GOING_ON = [state for state in DatasetState if not state.over]

_SUMMARY = [column for column in datasets.c if column is not datasets.c.workflow]
_STREAM = datasets.c.id == log.streams.c.stream

_OF = datasets.c.id == bindparam("of")
_BEGUN = Constant(__name__, update(datasets).where(_OF).values(state=DatasetState.RUNNING, claimed=true()))
_PART_DONE = Constant(
    __name__,
    update(datasets)
    .where(_OF)
    .values(
        parts_done=datasets.c.parts_done + 1,
        sessions_done=datasets.c.sessions_done + bindparam("sessions"),
        call_count=datasets.c.call_count + bindparam("calls"),
        byte_count=datasets.c.byte_count + bindparam("bytes"),
    ),
)
_ENDED = Constant(
    __name__,
    update(datasets)
    .where(_OF)
    .values({name: bindparam(f"new_{name}") for name in ("state", "reason", "detail", "end_time")}),
)


class DatasetStore:
    """The datasets of all companies on SQLite or PostgreSQL."""

    def __init__(self, db: Database, event_log: EventLog) -> None:
        self._db = db
        self._log = event_log

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """The name that the same request made before; None if it is new. Raises RequestIdReused."""
        return await earlier(self._db, company, key)

    async def has(self, location: str) -> bool:
        """Whether some dataset is or was written there."""
        return bool(await self._db.fetch(select(datasets.c.id).where(datasets.c.location == location)))

    async def create(self, dataset: Dataset, key: RequestKey | None) -> str:
        """Store it and return its name, or that of the first result for the same request.

        Raises RequestIdReused, and DestinationTaken if another dataset has its location.
        """

        async def work(conn: AsyncConnection) -> str:
            made_before = await claim(conn, dataset.company, key, dataset.name)
            if made_before is not None:
                return made_before
            inserted = await conn.execute(insert_new(datasets, conn.dialect.name), _row(dataset))
            if inserted.first() is None:
                raise DestinationTaken(destination=dataset.spec.destination)
            await self._log.open_streams(conn, [NewStream(dataset.id, dataset.company)])
            announce(conn, TOPIC)
            return dataset.name

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> Dataset:
        """Raises DatasetNotFound."""
        found = await self._db.fetch(_whole(name).where(datasets.c.company == company))
        if not found:
            raise DatasetNotFound(name=name)
        return _read(found[0])

    async def find(self, name: str) -> Dataset | None:
        """The dataset, whoever's it is; None if it is gone."""
        found = await self._db.fetch(_whole(name))
        return _read(found[0]) if found else None

    async def page(self, company: str, state: DatasetState | None, after: str, limit: int) -> list[Dataset]:
        """Up to limit behind the one with the id after, oldest first, without their workflows."""
        query: Select[Any] = (
            select(*_SUMMARY, log.streams.c.next_seq)
            .join(log.streams, _STREAM)
            .where(datasets.c.company == company, datasets.c.id > after)
            .order_by(datasets.c.id)
            .limit(limit)
        )
        if state is not None:
            query = query.where(datasets.c.state == state)
        return [_read(row) for row in await self._db.fetch(query)]

    async def cancel(self, dataset: Dataset, time: int) -> None:
        """Ask for it to stop; one that only waits is CANCELLED at once, and one that is over is let be."""
        if dataset.state is DatasetState.PENDING:
            try:
                await self.end(dataset, DatasetState.CANCELLED, time)
            except AppendConflict:
                dataset = replace(dataset, state=DatasetState.RUNNING)  # it has begun meanwhile, or is over
            else:
                return

        async def ask(conn: AsyncConnection) -> None:
            going_on = (datasets.c.id == dataset.id) & datasets.c.state.not_in(OVER)
            await conn.execute(update(datasets).where(going_on).values(wanted=DatasetState.CANCELLED))
            announce(conn, TOPIC)

        await self._db.writer.run(ask)

    async def retry(self, dataset: Dataset) -> None:
        """Make it PENDING if it is FAILED."""

        async def again(conn: AsyncConnection) -> None:
            failed = (datasets.c.id == dataset.id) & (datasets.c.state == DatasetState.FAILED)
            await conn.execute(
                update(datasets)
                .where(failed)
                .values(state=DatasetState.PENDING, wanted="", reason="", detail="", end_time=0)
            )
            announce(conn, TOPIC)

        await self._db.writer.run(again)

    async def delete(self, dataset: Dataset) -> bool:
        """Remove it for good if it is over; whether it was."""

        async def remove(conn: AsyncConnection) -> bool:
            over = (datasets.c.id == dataset.id) & datasets.c.state.in_(OVER)
            if (await conn.execute(delete(datasets).where(over).returning(datasets.c.id))).first() is None:
                return False
            await self._log.delete(conn, [dataset.id])
            return True

        return await self._db.writer.run(remove)

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Jobs of datasets that are not over and not running: the oldest of every company, in that order."""
        place = func.row_number().over(partition_by=datasets.c.company, order_by=datasets.c.id)
        ranked = (
            select(datasets.c.id, datasets.c.company, place.label("place"))
            .where(datasets.c.state.in_(_GOING_ON), datasets.c.id.not_in(_ids(running)))
            .subquery()
        )
        query = select(ranked.c.id, ranked.c.company).where(ranked.c.place <= _OF_EACH_COMPANY).order_by(ranked.c.id)
        return [Job("dataset", PREFIX + row.id, row.company, "datasets") for row in await self._db.fetch(query)]

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Those of these datasets that somebody asked to cancel."""
        query = select(datasets.c.id).where(datasets.c.id.in_(_ids(running)), datasets.c.wanted != "")
        return [PREFIX + row.id for row in await self._db.fetch(query)]

    async def begin(self, dataset: Dataset) -> Dataset:
        """Append that it is RUNNING, and note that its place is its own. Raises AppendConflict."""
        await self._append(dataset, Milestone.BEGUN, _BEGUN, {})
        return replace(dataset, state=DatasetState.RUNNING, claimed=True, next_seq=dataset.next_seq + 1)

    async def add_part(self, dataset: Dataset, part: Part) -> None:
        """Append that a part is written. Raises AppendConflict if somebody else went on with it."""
        counts = {"sessions": part.session_count, "calls": part.call_count, "bytes": part.byte_count}
        await self._append(dataset, part, _PART_DONE, counts)

    async def end(self, dataset: Dataset, state: DatasetState, time: int, reason: str = "", detail: str = "") -> None:
        """Append that it is over. Raises AppendConflict."""
        new = {"new_state": state, "new_reason": reason, "new_detail": detail, "new_end_time": time}
        await self._append(dataset, Milestone.ENDED, _ENDED, new)

    async def parts(self, dataset: Dataset) -> list[Part]:
        """The parts that are written, in their order."""
        parts: list[Part] = []
        after = 0
        while page := await self._log.read(dataset.id, after, _READ_AT_ONCE):
            parts += [event for stored in page if isinstance(event := unpack_event(stored.payload), Part)]
            after = page[-1].seq
        return parts

    async def _append(
        self, dataset: Dataset, event: DatasetEvent, statement: Constant, values: Mapping[str, object]
    ) -> None:
        payload = pack_event(event)
        also = ((statement, {"of": dataset.id, **values}),)
        await self._db.writer.append(Append(dataset.id, dataset.next_seq, (NewEvent(new_id(), payload),), also))


def _ids(names: Collection[str]) -> list[str]:
    return [name.removeprefix(PREFIX) for name in names]


def _whole(name: str) -> Select[Any]:
    return (
        select(datasets, log.streams.c.next_seq)
        .join(log.streams, _STREAM)
        .where(datasets.c.id == name.removeprefix(PREFIX))
    )


def _row(dataset: Dataset) -> dict[str, Any]:
    assert dataset.workflow is not None
    return {
        "id": dataset.id,
        "company": dataset.company,
        "state": dataset.state,
        "spec": json.dumps(spec_json(dataset.spec), ensure_ascii=False, separators=(",", ":")).encode(),
        "workflow": canonical_json(dataset.workflow),
        "workflow_digest": dataset.workflow_digest,
        "algorithm": dataset.algorithm,
        "location": dataset.location,
        "claimed": dataset.claimed,
        "part_count": dataset.part_count,
        "parts_done": 0,
        "sessions_done": 0,
        "call_count": 0,
        "byte_count": 0,
        "reason": "",
        "detail": "",
        "creator": dataset.creator,
        "wanted": "",
        "create_time": dataset.create_time,
        "end_time": 0,
    }


def _read(row: Row[Any]) -> Dataset:
    fields = dict(row._mapping)
    document, wanted = fields.pop("workflow", None), fields.pop("wanted")
    spec = read_spec(json.loads(fields.pop("spec")))
    return Dataset(
        **{**fields, "state": DatasetState(fields["state"])},
        spec=spec,
        workflow=None if document is None else read_canonical(document),
        wanted=DatasetState(wanted) if wanted else None,
    )
