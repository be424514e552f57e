"""Stores reports."""

from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Column, Index, LargeBinary, Row, Select, String, Table, delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.evaluator.reports.errors import ReportNotFound
from services.evaluator.reports.model import PREFIX, Report
from services.evaluator.store import metadata, requests
from shared.db.documents import dump_document, load_document, reading_record
from shared.db.engine import Database
from shared.db.ledger import claim, earlier
from shared.db.lists import page
from shared.lists import Listed, Part
from shared.requests import RequestKey, first_result

reports = Table(
    "reports",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("evaluation", String, nullable=False),
    Column("baseline", String, nullable=False),
    Column("summary", LargeBinary, nullable=False),  # what lists show
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Index(None, "company", "id"),
    Index(None, "company", "evaluation"),
    Index(None, "company", "baseline"),
)

_REPORT = TypeAdapter(Report)


class ReportStore:
    """The reports of all companies."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def made_before(self, company: str, key: RequestKey) -> Report | None:
        """The report that the same request made; None if it is new. Raises RequestIdReused, ResultDeleted."""
        name = await earlier(requests, self._db, company, key)
        return None if name is None else await first_result(key, name, self.get(company, name))

    async def create(self, company: str, report: Report, key: RequestKey | None) -> Report:
        """Store a report, or return the one that the same request stored. Raises RequestIdReused, ResultDeleted."""

        async def work(conn: AsyncConnection) -> Report:
            before = await claim(requests, conn, company, key, report.name)
            if key is not None and before is not None:
                return await first_result(key, before, _get(conn, company, before))
            await conn.execute(insert(reports), _row(company, report))
            return report

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> Report:
        """The report of that name. Raises ReportNotFound."""
        found = await self._db.fetch(_of_name(company, name))
        if not found:
            raise ReportNotFound(name=name)
        return _unpack(found[0].document)

    async def page(self, company: str, part: Part, evaluation: str) -> Listed[Report]:
        """A part of the company's reports, newest first, as summaries. evaluation: either side; "" for all."""
        query = select(reports.c.summary).where(reports.c.company == company)
        if evaluation:
            query = query.where(_about(evaluation))
        return await page(self._db, query, reports.c.id, part, _summary)

    async def delete(self, company: str, name: str) -> None:
        """Delete a report. Raises ReportNotFound."""

        async def work(conn: AsyncConnection) -> None:
            await _get(conn, company, name)
            await conn.execute(delete(reports).where(reports.c.id == name.removeprefix(PREFIX)))

        await self._db.writer.run(work)


async def report_about(conn: AsyncConnection, company: str, evaluation: str) -> str | None:
    """The name of a report that stands on the evaluation; None if none does."""
    query = select(reports.c.id).where(reports.c.company == company, _about(evaluation)).limit(1)
    found: str | None = await conn.scalar(query)
    return found and PREFIX + found


def _about(evaluation: str) -> Any:
    return or_(reports.c.evaluation == evaluation, reports.c.baseline == evaluation)


def _row(company: str, report: Report) -> dict[str, Any]:
    return {
        "id": report.name.removeprefix(PREFIX),
        "company": company,
        "evaluation": report.spec.evaluation,
        "baseline": report.spec.baseline,
        "summary": _pack(_brief(report)),
        "document": _pack(report),
        "create_time": report.create_time,
    }


def _brief(report: Report) -> Report:
    """The report without its details."""
    return replace(
        report,
        comparison=None,
        expectations=(),
        personas=(),
        coverage=(),
        examples=(),
        notes=(),
        cells=(),
        criteria=(),
    )


def _of_name(company: str, name: str) -> Select[Any]:
    return select(reports.c.document).where(reports.c.company == company, reports.c.id == name.removeprefix(PREFIX))


async def _get(conn: AsyncConnection, company: str, name: str) -> Report:
    document: bytes | None = await conn.scalar(_of_name(company, name))
    if document is None:
        raise ReportNotFound(name=name)
    return _unpack(document)


def _pack(report: Report) -> bytes:
    return dump_document(_REPORT.dump_python(report, mode="json"))


def _unpack(document: bytes) -> Report:
    record = load_document(document)
    with reading_record():
        return _REPORT.validate_python(record)


def _summary(row: Row[Any]) -> Report:
    return _unpack(row.summary)
