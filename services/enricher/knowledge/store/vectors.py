"""Stores the vectors of passages, and finds the nearest: with pgvector where PostgreSQL has it, else with NumPy.

Both compare with every vector of the company, so nothing near is missed. With pgvector the vectors stand a second time
in the table `passage_near`, which is made when the extension is there.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    Update,
    column,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.enricher.knowledge.model import DocumentFilter, FoundBy, Match, Unembedded
from services.enricher.knowledge.store.matches import Found, best_of_each, chosen, read_row, with_texts
from services.enricher.knowledge.store.tables import documents, passage_vectors, stored_passages
from shared.db.engine import Database
from shared.limits import MIB
from shared.llm.base import ModelUnusable
from shared.llm.embedding import Vectors
from shared.lru import LruCache

_KEPT_BYTES = 256 * MIB
"""The most bytes of vectors that are kept in memory; those of larger companies are read for each search."""
_AT_ONCE = 5_000
"""How many vectors are read at once."""
_COMPANIES = 100
"""How many companies are looked at whose documents wait for vectors."""
_LARGE = 1 << 20
"""Blocks of more numbers than this are compared in a thread."""

_EXTENSION = text("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")
_NEAR_TABLE = text(
    "CREATE TABLE IF NOT EXISTS passage_near"
    " (id bigint PRIMARY KEY REFERENCES passage_vectors ON DELETE CASCADE, vector vector NOT NULL)"
)
_NOT_NEAR = text(
    "SELECT id, vector FROM passage_vectors WHERE dimension > 0"
    " AND id NOT IN (SELECT id FROM passage_near) ORDER BY id LIMIT :count"
)
_INSERT_NEAR = text("INSERT INTO passage_near (id, vector) VALUES (:id, CAST(CAST(:vector AS text) AS vector))")
_NEAREST = text(
    """
    SELECT own.passage AS id, 1 - (near.vector <=> CAST(CAST(:query AS text) AS vector)) AS score
    FROM passage_vectors AS own JOIN passage_near AS near ON near.id = own.id
    WHERE own.company = :of_company AND own.model = :of_model AND own.dimension = :of_dimension
    """
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Vectors with their row numbers, which ascend."""

    ids: NDArray[np.int64]
    vectors: Vectors

    def plus(self, other: "_Block") -> "_Block":
        return _Block(np.concatenate([self.ids, other.ids]), np.concatenate([self.vectors, other.vectors]))


class VectorStore:
    """The vectors that one embedding model made. Those of other models are not used."""

    def __init__(self, db: Database, model: str) -> None:
        self._db = db
        self._model = model
        self._kept = LruCache[str, _Block](_KEPT_BYTES)
        self._dimension: int | None = None
        self._pgvector = False

    async def prepare(self) -> None:
        """Use pgvector if PostgreSQL has it. Raises StoreUnavailable."""
        if self._db.dialect != "postgresql":
            return
        if not await self._db.fetch(_EXTENSION.columns(column("one"))):  # type: ignore[arg-type]
            return
        try:
            await self._db.writer.run(_make_near)
        except DBAPIError as error:
            _log.warning("pgvector_cannot_be_used", error=str(error.orig))
            return
        while await self._db.writer.run(_fill_near):
            pass
        self._pgvector = True

    async def waiting(self, running: Collection[str]) -> Sequence[str]:
        """Companies with documents whose passages have no vectors yet."""
        query = select(documents.c.company).where(_others(self._model), documents.c.company.not_in(running))
        return [row.company for row in await self._db.fetch(query.distinct().limit(_COMPANIES))]

    async def behind(self, company: str, most: int) -> int:
        """How many documents of the company have no vectors yet; counts up to `most`."""
        some = select(documents.c.id).where(_others(self._model), documents.c.company == company).limit(most)
        [row] = await self._db.fetch(select(func.count().label("number")).select_from(some.subquery()))
        count: int = row.number
        return count

    async def unembedded(self, company: str, limit: int) -> Sequence[Unembedded]:
        """Some passages of the company that have no vectors yet."""
        mine = passage_vectors.c.passage == stored_passages.c.id, passage_vectors.c.model == self._model
        query: Select[Any] = (
            select(stored_passages.c.id.label("passage"), stored_passages.c.text, documents.c.document, documents.c.id)
            .join(stored_passages, stored_passages.c.document == documents.c.id)
            .where(_others(self._model), documents.c.company == company, ~exists().where(*mine))
            .limit(limit)
        )
        rows = await self._db.fetch(query)
        return [Unembedded(row.passage, row.id, f"{read_row(row).title}\n\n{bytes(row.text).decode()}") for row in rows]

    async def put(self, company: str, made: Mapping[Unembedded, NDArray[np.float32] | None]) -> None:
        """Store the vectors of passages; None for a passage that the model refuses.

        Raises ModelUnusable if they have another dimension than those that the model made before.
        """
        dimensions = {len(vector) for vector in made.values() if vector is not None}
        for dimension in dimensions:
            await self._check(dimension)

        async def work(conn: AsyncConnection) -> None:
            # The lock keeps another process from deleting a document meanwhile.
            of_made = documents.c.id.in_({one.document for one in made})
            here = set(await conn.scalars(select(documents.c.id).where(of_made).with_for_update()))
            rows: list[dict[str, Any]] = [
                {
                    "passage": one.passage,
                    "company": company,
                    "model": self._model,
                    "dimension": 0 if vector is None else len(vector),
                    "vector": b"" if vector is None else vector.astype("<f4").tobytes(),
                }
                for one, vector in made.items()
                if one.document in here
            ]
            if not rows:
                return
            await conn.execute(
                delete(passage_vectors).where(passage_vectors.c.passage.in_([row["passage"] for row in rows]))
            )
            new = insert(passage_vectors).returning(passage_vectors.c.id, sort_by_parameter_order=True)
            ids = (await conn.scalars(new, rows)).all()
            if self._pgvector:
                await _insert_near(conn, list(zip(ids, (row["vector"] for row in rows), strict=True)))
            # A document that has lost vectors of another model no longer counts as embedded by it.
            await conn.execute(update(documents).where(documents.c.id.in_(here)).values(embedded_by=""))
            await conn.execute(self._complete(here))

        await self._db.writer.run(work)
        self._dimension = next(iter(dimensions), self._dimension)

    async def complete(self, company: str) -> None:
        """Mark the documents of the company whose passages all have vectors."""

        async def work(conn: AsyncConnection) -> None:
            of_company = select(documents.c.id).where(_others(self._model), documents.c.company == company)
            await conn.execute(self._complete(set(await conn.scalars(of_company))))

        await self._db.writer.run(work)

    def _complete(self, keys: Collection[str]) -> Update:
        """Mark those of the documents whose passages all have vectors."""
        mine = passage_vectors.c.passage == stored_passages.c.id, passage_vectors.c.model == self._model
        lacking = exists().where(stored_passages.c.document == documents.c.id, ~exists().where(*mine))
        return update(documents).where(documents.c.id.in_(keys), ~lacking).values(embedded_by=self._model)

    async def nearest(self, company: str, query: Vectors, only: DocumentFilter, limit: int) -> list[Match]:
        """The documents with the nearest passages, nearest first. query: one row. Raises ModelUnusable."""
        if await self._check(query.shape[1]) is None:
            return []
        if self._pgvector:
            return await self._nearest_in_postgres(company, query, only, limit)
        ids, scores = await self._scores(company, query[0])
        if only.tags or only.domain:
            allowed = await self._db.fetch(self._rows(company, only))
            among = np.isin(ids, np.fromiter((row.id for row in allowed), np.int64, len(allowed)))
            ids, scores = ids[among], scores[among]

        async def best(read: int) -> tuple[Sequence[Found], bool]:
            order = _highest(scores, read)
            of_row = dict(zip(ids[order].tolist(), scores[order].tolist(), strict=True))
            return [(row, of_row[row.row]) for row in await self._passages(list(of_row))], len(ids) > read

        return await best_of_each(best, FoundBy.MEANING, limit)

    async def _passages(self, ids: Sequence[int]) -> Sequence[Any]:
        """The passages with these vectors, in this order. Those that were deleted meanwhile are left out."""
        query = (
            select(
                documents.c.id,
                documents.c.document,
                stored_passages.c.start,
                stored_passages.c.text,
                passage_vectors.c.id.label("row"),
            )
            .join(stored_passages, stored_passages.c.id == passage_vectors.c.passage)
            .join(documents, documents.c.id == stored_passages.c.document)
            .where(passage_vectors.c.id.in_(ids))
        )
        place = {key: at for at, key in enumerate(ids)}
        return sorted(await self._db.fetch(query), key=lambda row: place[row.row])

    async def _nearest_in_postgres(self, company: str, query: Vectors, only: DocumentFilter, limit: int) -> list[Match]:
        given = {
            "query": _written(query[0]),
            "of_company": company,
            "of_model": self._model,
            "of_dimension": query.shape[1],
        }
        near = _NEAREST.columns(column("id", Integer), column("score", Float)).subquery("near")
        ranked = (
            select(near.c.id, near.c.score)
            .join(stored_passages, stored_passages.c.id == near.c.id)
            .join(documents, documents.c.id == stored_passages.c.document)
            .where(*chosen(company, only))
            .order_by(near.c.score.desc(), near.c.id)
        )

        async def best(read: int) -> tuple[Sequence[Found], bool]:
            rows = await self._db.fetch(with_texts(ranked.limit(read).subquery("ranked")), given)
            return [(row, row.score) for row in rows], len(rows) == read

        return await best_of_each(best, FoundBy.MEANING, limit)

    async def _check(self, dimension: int) -> int | None:
        """The dimension of the stored vectors, None if there are none. Raises ModelUnusable if it is another one."""
        if self._dimension is None:
            own = passage_vectors.c.model == self._model, passage_vectors.c.dimension > 0
            rows = await self._db.fetch(select(passage_vectors.c.dimension).where(*own).limit(1))
            self._dimension = rows[0].dimension if rows else None
        if self._dimension not in (None, dimension):
            why = (
                f"its vectors have {dimension} numbers, but those that are stored have {self._dimension}; if the model"
                " has changed, give it another name"
            )
            raise ModelUnusable(model=self._model, why=why)
        return self._dimension

    async def _scores(self, company: str, query: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The numbers of the company's vectors, and how near each is: the cosine."""
        ids, scores = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        async for block in self._blocks(company):
            ids.append(block.ids)
            large = block.vectors.size > _LARGE
            scores.append(await asyncio.to_thread(np.dot, block.vectors, query) if large else block.vectors @ query)
        return np.concatenate(ids), np.concatenate(scores)

    async def _blocks(self, company: str) -> AsyncIterator[_Block]:
        """All vectors of the company: those that are kept, and those that came since."""
        kept, last = self._kept.get(company), 0
        if kept is not None:
            yield kept
            last = int(kept.ids[-1])
        keeping = True
        while True:
            rows = await self._db.fetch(self._rows(company, DocumentFilter(), after=last))
            if not rows:
                break
            ids = np.fromiter((row.id for row in rows), np.int64, len(rows))
            block = _Block(ids, np.frombuffer(b"".join(row.vector for row in rows), "<f4").reshape(len(rows), -1))
            last = int(ids[-1])
            size = block.vectors.nbytes + (0 if kept is None else kept.vectors.nbytes)
            keeping = keeping and size <= _KEPT_BYTES
            if keeping:
                kept = block if kept is None else kept.plus(block)
                self._kept.put(company, kept, size)
            yield block
            if len(rows) < _AT_ONCE:
                break

    def _rows(self, company: str, only: DocumentFilter, after: int | None = None) -> Select[Any]:
        """The numbers of the company's vectors; with `after` the next ones after it, with the vectors."""
        own = (
            passage_vectors.c.company == company,
            passage_vectors.c.model == self._model,
            passage_vectors.c.dimension > 0,
        )
        if after is not None:
            query = select(passage_vectors.c.id, passage_vectors.c.vector).where(*own, passage_vectors.c.id > after)
            return query.order_by(passage_vectors.c.id).limit(_AT_ONCE)
        return (
            select(passage_vectors.c.id)
            .join(stored_passages, stored_passages.c.id == passage_vectors.c.passage)
            .join(documents, documents.c.id == stored_passages.c.document)
            .where(*own, *chosen(company, only))
        )


def _others(model: str) -> ColumnElement[bool]:
    """Documents without all vectors of the model, as two ranges of the index."""
    return or_(documents.c.embedded_by < model, documents.c.embedded_by > model)


def _highest(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The places of the highest scores, highest first."""
    if len(scores) > count:
        some = np.argpartition(-scores, count)[:count]
        return some[np.argsort(-scores[some], kind="stable")]
    return np.argsort(-scores, kind="stable")


async def _make_near(conn: AsyncConnection) -> None:
    await conn.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    await conn.execute(_NEAR_TABLE)


async def _fill_near(conn: AsyncConnection) -> bool:
    """Write some vectors that were stored without pgvector; False if there are none."""
    rows = (await conn.execute(_NOT_NEAR, {"count": _AT_ONCE})).all()
    await _insert_near(conn, [(row.id, bytes(row.vector)) for row in rows])
    return bool(rows)


async def _insert_near(conn: AsyncConnection, rows: Sequence[tuple[int, bytes]]) -> None:
    written = [{"id": key, "vector": _written(np.frombuffer(vector, "<f4"))} for key, vector in rows if vector]
    if written:
        await conn.execute(_INSERT_NEAR, written)


def _written(vector: NDArray[np.float32]) -> str:
    """A vector as pgvector reads it."""
    return f"[{','.join(map(repr, vector.tolist()))}]"
