"""Stores evaluations. The event log holds one event for each result; a row names the newest event of each index."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    delete,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.evaluator.evaluations.errors import (
    EvaluationInUse,
    EvaluationNotFound,
    EvaluationNotOver,
    EvaluationNotRetriable,
    EvaluationOver,
)
from services.evaluator.evaluations.model import (
    Evaluation,
    EvaluationSpec,
    NewResult,
    Result,
    Scored,
    Stored,
    score_of,
    unpack_result,
)
from services.evaluator.store import log, metadata, requests
from shared.db.appends import upsert
from shared.db.documents import dump_document, load_document, reading_record
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.peers import pack_starter, unpack_starter
from shared.work.model import Work
from shared.work.store import Also, Kind, WorkStore, work_table

evaluations = work_table(
    "evaluations",
    metadata,
    Column("spec", LargeBinary, nullable=False),
    Column("starter", LargeBinary, nullable=False),
    Column("position", String, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("invalid", Integer, nullable=False),
    Column("reused", Integer, nullable=False),
    Column("scorers", String, nullable=False),
    Column("quality_total", Float, nullable=False),
    Column("quality_count", Integer, nullable=False),
)
results = Table(
    "results",
    metadata,
    Column("evaluation", String, primary_key=True),
    Column("index", Integer, primary_key=True, autoincrement=False),
    Column("company", String, nullable=False),
    Column("key", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reused", Boolean, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("quality", Float),
    Index(None, "company", "key"),
    Index(None, "evaluation", "outcome", "index"),
)

Holding = Callable[[AsyncConnection, str, str], Awaitable[str | None]]
"""What stands on an evaluation: (connection, company, evaluation), the name or None."""

_AT_ONCE = 500
_EVENTS = log.events.c


class EvaluationStore(WorkStore[Evaluation]):
    """The evaluations of all companies, with their results."""

    def __init__(self, db: Database, event_log: EventLog, holding: Holding) -> None:
        super().__init__(_KIND, db, event_log)
        self._holding = holding
        put = upsert(results, db.dialect)
        changed = {name: put.excluded[name] for name in ("key", "outcome", "reused", "seq", "quality")}
        self._put = put.on_conflict_do_update(index_elements=["evaluation", "index"], set_=changed)

    def rows(self, work: Work[Evaluation], new: Sequence[NewResult]) -> list[Also]:
        """The statements that go with an append of these results, in order."""
        return [
            (
                self._put,
                {
                    "evaluation": work.id,
                    "index": one.index,
                    "company": work.company,
                    "key": one.key,
                    "outcome": one.outcome,
                    "reused": one.reused,
                    "seq": seq,
                    "quality": one.quality,
                },
            )
            for seq, one in enumerate(new, work.next_seq)
        ]

    async def at(self, work: Work[Evaluation], indices: Collection[int]) -> list[Stored]:
        """The results that are stored at these places."""
        query = select(results.c.outcome, results.c.reused, results.c.quality).where(
            results.c.evaluation == work.id, results.c.index.in_(indices)
        )
        return [Stored(row.outcome, row.reused, row.quality) for row in await self._db.fetch(query)]

    async def known(self, company: str, keys: Collection[str]) -> dict[str, Scored]:
        """The company's scores with these keys, as far as there are any."""
        query = _with_events(results.c.key, results.c.outcome, results.c.quality).where(
            results.c.company == company, results.c.key.in_(keys)
        )
        return {row.key: Scored(row.outcome, row.quality, score_of(row.payload)) for row in await self._db.fetch(query)}

    async def results(self, work: Work[Evaluation], outcome: str, after: int, limit: int) -> list[Result]:
        """Up to `limit` results by index, after an index (-1 for all). outcome: only those; "" for all."""
        query = _with_events().where(results.c.evaluation == work.id, results.c.index > after)
        if outcome:
            query = query.where(results.c.outcome == outcome)
        rows = await self._db.fetch(query.order_by(results.c.index).limit(limit))
        with reading_record():
            return [unpack_result(row.payload) for row in rows]

    async def pages(self, work: Work[Evaluation]) -> AsyncIterator[list[bytes]]:
        """The events of all results by index, some at a time."""
        place = results.c.index.label("place")
        query = _with_events(place).where(results.c.evaluation == work.id).order_by(place)
        after = -1
        while rows := await self._db.fetch(query.where(results.c.index > after).limit(_AT_ONCE)):
            yield [row.payload for row in rows]
            after = rows[-1].place

    async def removing(self, conn: AsyncConnection, work: Work[Evaluation]) -> None:
        if (report := await self._holding(conn, work.company, work.name)) is not None:
            raise EvaluationInUse(name=work.name, report=report)
        await conn.execute(delete(results).where(results.c.evaluation == work.id))


def _with_events(*columns: Any) -> Select[Any]:
    place = (_EVENTS.stream == results.c.evaluation) & (_EVENTS.seq == results.c.seq)
    return select(*columns, _EVENTS.payload).select_from(results.join(log.events, place))


def _write(evaluation: Evaluation) -> dict[str, Any]:
    spec = {name: getattr(evaluation.spec, name) for name in EvaluationSpec.__dataclass_fields__}
    return {
        **{name: getattr(evaluation, name) for name in Evaluation.__dataclass_fields__},
        "spec": dump_document(spec),
        "starter": pack_starter(evaluation.starter),
    }


def _read(columns: Mapping[str, Any]) -> Evaluation:
    record = load_document(columns["spec"])
    with reading_record():
        record.pop("v")
        spec = EvaluationSpec(**record | {"conversations": tuple(record["conversations"])})
        return Evaluation(**{**columns, "spec": spec, "starter": unpack_starter(columns["starter"])})


_KIND = Kind(
    evaluations,
    log,
    requests,
    _write,
    _read,
    waits=True,
    not_found=EvaluationNotFound,
    over=EvaluationOver,
    not_retriable=EvaluationNotRetriable,
    not_over=EvaluationNotOver,
)
