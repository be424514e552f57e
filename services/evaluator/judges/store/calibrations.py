"""Stores calibrations of judges."""

from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Row, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.evaluator.judges.errors import JudgeCalibrationNotFound
from services.evaluator.judges.model import Calibration, CriterionCalibration, Disagreement, LabelProblem
from services.evaluator.store import claim, metadata
from shared.db.appends import insert_new
from shared.db.documents import dump_document, load_document, reading_record
from shared.db.engine import Database
from shared.db.lists import page
from shared.lists import Listed, Part
from shared.requests import RequestKey, first_result

PREFIX = "judge_calibrations/"
judge_calibrations = Table(
    "judge_calibrations",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("judge", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Index(None, "company", "id"),
    Index(None, "company", "judge", "id"),
)
_COLUMNS = judge_calibrations.c


class JudgeCalibrationStore:
    """The calibrations of all companies."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, company: str, new: Calibration, key: RequestKey | None) -> Calibration:
        """Store a calibration, or return the one that the same request stored.

        Raises RequestIdReused, ResultDeleted.
        """

        async def work(conn: AsyncConnection) -> str | None:
            earlier = await claim(conn, company, key, new.name)
            if earlier is None:
                row = {
                    "id": new.name.removeprefix(PREFIX),
                    "company": company,
                    "judge": new.judge,
                    "document": dump_document(asdict(new)),
                    "create_time": new.create_time,
                }
                await conn.execute(insert_new(judge_calibrations, conn.dialect.name), row)
            return earlier

        earlier = await self._db.writer.run(work)
        if key is not None and earlier is not None:
            return await first_result(key, earlier, self.get(company, earlier))
        return new

    async def get(self, company: str, name: str) -> Calibration:
        """The calibration of that name. Raises JudgeCalibrationNotFound."""
        wanted = _COLUMNS.company == company, _COLUMNS.id == name.removeprefix(PREFIX)
        found = await self._db.fetch(select(judge_calibrations).where(*wanted))
        if not found:
            raise JudgeCalibrationNotFound(name=name)
        return _read(found[0])

    async def page(self, company: str, part: Part) -> Listed[Calibration]:
        """A part of the calibrations, newest first."""
        query = select(judge_calibrations).where(_COLUMNS.company == company)
        return await page(self._db, query, _COLUMNS.id, part, _read)

    async def newest(self, company: str, judges: Collection[str]) -> dict[str, Calibration]:
        """The newest calibration of each of these judges that has one."""
        query = select(judge_calibrations).where(_COLUMNS.company == company, _COLUMNS.judge.in_(judges))
        return {row.judge: _read(row) for row in await self._db.fetch(query.order_by(_COLUMNS.id))}

    async def delete(self, company: str, name: str) -> None:
        """Delete a calibration. Raises JudgeCalibrationNotFound."""

        async def work(conn: AsyncConnection) -> None:
            wanted = _COLUMNS.company == company, _COLUMNS.id == name.removeprefix(PREFIX)
            gone = await conn.execute(delete(judge_calibrations).where(*wanted))
            if not gone.rowcount:
                raise JudgeCalibrationNotFound(name=name)

        await self._db.writer.run(work)


def _read(row: Row[Any]) -> Calibration:
    record = load_document(row.document)
    with reading_record():
        record.pop("v")
        criteria = tuple(map(_criterion, record["criteria"]))
        problems = tuple(LabelProblem(**one) for one in record["problems"])
        made = Calibration(**{**record, "criteria": criteria, "problems": problems})
        return replace(made, models=tuple(made.models))


def _criterion(record: dict[str, Any]) -> CriterionCalibration:
    found = (Disagreement(**{**one, "turns": tuple(one["turns"])}) for one in record["disagreements"])
    return CriterionCalibration(**{**record, "disagreements": tuple(found)})
