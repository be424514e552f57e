"""Keeps the answers of requests with use_cache, up to a bound for each company."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, and_, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.generations.model import MOST_KEPT, MOST_KEPT_BYTES
from services.gateway.store import metadata
from shared.clock import Clock
from shared.db.appends import insert_new
from shared.db.engine import Database

answers = Table(
    "generation_answers",
    metadata,
    Column("company", String, primary_key=True),
    Column("digest", String, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Index(None, "company", "create_time"),
)


class AnswerStore:
    """The answers of all companies, by the digests of their requests."""

    def __init__(self, db: Database, clock: Clock, most: int = MOST_KEPT, most_bytes: int = MOST_KEPT_BYTES) -> None:
        self._db = db
        self._clock = clock
        self._most = most
        self._most_bytes = most_bytes

    async def get(self, company: str, digest: str) -> bytes | None:
        """The answer that is kept; None if there is none."""
        query = select(answers.c.answer).where(answers.c.company == company, answers.c.digest == digest)
        found = await self._db.fetch(query)
        return found[0][0] if found else None

    async def keep(self, company: str, digest: str, answer: bytes) -> bytes:
        """Keep an answer and return it; if another call has kept one meanwhile, return that. The oldest make room."""
        row = {
            "company": company,
            "digest": digest,
            "size": len(answer),
            "answer": answer,
            "create_time": self._clock(),
        }

        async def work(conn: AsyncConnection) -> bool:
            inserted = await conn.execute(insert_new(answers, conn.dialect.name), row)
            if inserted.first() is None:
                return False
            await self._make_room(conn, company, digest)
            return True

        if await self._db.writer.run(work):
            return answer
        return await self.get(company, digest) or answer

    async def _make_room(self, conn: AsyncConnection, company: str, newest: str) -> None:
        query = select(answers.c.digest, answers.c.size).where(answers.c.company == company)
        newest_first = query.order_by(answers.c.create_time.desc(), answers.c.digest)
        rows = sorted((await conn.execute(newest_first)).all(), key=lambda row: row.digest != newest)
        used, gone = 0, []
        for place, row in enumerate(rows):
            used += row.size
            if place and (place >= self._most or used > self._most_bytes):
                gone.append(row.digest)
        if gone:
            await conn.execute(delete(answers).where(and_(answers.c.company == company, answers.c.digest.in_(gone))))
