"""Stores judgements. The event log holds one event for each result; a row names the newest event of each index."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Column, Integer, LargeBinary, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.evaluator.evaluations.model import EvaluationSpec
from services.evaluator.judges.errors import (
    JudgementNotFound,
    JudgementNotOver,
    JudgementNotRetriable,
    JudgementOver,
)
from services.evaluator.judges.model import Judgement, JudgementSpec, Result, unpack_result
from services.evaluator.judges.store.calls import SPENT, judge_calls
from services.evaluator.store import log, metadata, requests
from shared.db.appends import upsert
from shared.db.documents import dump_document, load_document, reading_record
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.model.events import Usage
from shared.model.spending import Budget
from shared.peers import pack_starter, unpack_starter
from shared.work.model import Work
from shared.work.store import Also, Kind, WorkStore, work_table

judgements = work_table(
    "judgements",
    metadata,
    Column("spec", LargeBinary, nullable=False),
    Column("starter", LargeBinary, nullable=False),
    Column("judge", String, nullable=False),
    Column("position", String, nullable=False),
    Column("within", Integer, nullable=False),
    Column("judged", Integer, nullable=False),
    Column("usage", String, nullable=False),
    Column("summary", String, nullable=False),
)
verdicts = Table(
    "verdicts",
    metadata,
    Column("judgement", String, primary_key=True),
    Column("index", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
)
_EVENTS = log.events.c
_AT_ONCE = 500


class JudgementStore(WorkStore[Judgement]):
    """The judgements of all companies, with their results."""

    def __init__(self, db: Database, event_log: EventLog) -> None:
        super().__init__(_KIND, db, event_log)
        put = upsert(verdicts, db.dialect)
        self._put = put.on_conflict_do_update(index_elements=["judgement", "index"], set_={"seq": put.excluded["seq"]})

    def rows(self, work: Work[Judgement], new: Sequence[Result]) -> list[Also]:
        """The statements that go with an append of these results, in order."""
        return [
            (self._put, {"judgement": work.id, "index": one.index, "seq": seq})
            for seq, one in enumerate(new, work.next_seq)
        ]

    async def results(self, work: Work[Judgement], after: int, limit: int | None) -> list[Result]:
        """Up to `limit` results by index, after an index (-1 for all); None: all of them."""
        place = (_EVENTS.stream == verdicts.c.judgement) & (_EVENTS.seq == verdicts.c.seq)
        query = select(verdicts.c.index.label("place"), _EVENTS.payload).select_from(verdicts.join(log.events, place))
        query = query.where(verdicts.c.judgement == work.id).order_by(verdicts.c.index)
        found, wanted = list[Result](), _AT_ONCE if limit is None else limit
        while rows := await self._db.fetch(query.where(verdicts.c.index > after).limit(wanted)):
            with reading_record():
                found += [unpack_result(row.payload) for row in rows]
            after = rows[-1].place
            if limit is not None:
                break
        return found

    async def account(self, name: str) -> tuple[Budget | None, Usage]:
        """The budget of a judgement of any company, None if it has none, and what its recorded calls have cost."""
        work = await self.find(name)
        spent = await self._db.fetch(SPENT.where(judge_calls.c.judgement == self._id(name)))
        usage = Usage(*(int(one or 0) for one in spent[0]))
        return (work.body.spec.budget if work is not None else None), usage

    async def removing(self, conn: AsyncConnection, work: Work[Judgement]) -> None:
        await conn.execute(delete(verdicts).where(verdicts.c.judgement == work.id))
        await conn.execute(delete(judge_calls).where(judge_calls.c.judgement == work.id))


def _write(judgement: Judgement) -> dict[str, Any]:
    return {
        **{name: getattr(judgement, name) for name in Judgement.__dataclass_fields__},
        "spec": dump_document(asdict(judgement.spec)),
        "starter": pack_starter(judgement.starter),
    }


def _read(columns: Mapping[str, Any]) -> Judgement:
    record = load_document(columns["spec"])
    with reading_record():
        record.pop("v")
        subject, budget = record.pop("subject"), record.pop("budget")
        spec = JudgementSpec(
            subject=EvaluationSpec(**subject | {"conversations": tuple(subject["conversations"])}),
            budget=Budget(**budget) if budget else None,
            **record | {"models": tuple(record["models"])},
        )
        return Judgement(**{**columns, "spec": spec, "starter": unpack_starter(columns["starter"])})


_KIND = Kind(
    judgements,
    log,
    requests,
    _write,
    _read,
    waits=True,
    not_found=JudgementNotFound,
    over=JudgementOver,
    not_retriable=JudgementNotRetriable,
    not_over=JudgementNotOver,
)
