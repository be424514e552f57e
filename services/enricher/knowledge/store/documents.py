"""Stores documents as passages, and searches those by words: with FTS5 on SQLite, with text search on PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from sqlalchemy import Float, Integer, Select, column, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.enricher.knowledge.errors import DocumentNotFound
from services.enricher.knowledge.model import PREFIX, Added, CutDocument, Document, DocumentFilter, FoundBy, Match
from services.enricher.knowledge.passages import queried_words
from services.enricher.knowledge.store.matches import Found, best_of_each, chosen, read_row, with_texts
from services.enricher.knowledge.store.tables import documents, passage_vectors, stored_passages, tagged
from services.enricher.store import claim, earlier
from shared.db.documents import dump_document
from shared.db.engine import Database
from shared.db.lists import page
from shared.db.topics import announce
from shared.engine.jobs import TOPIC
from shared.lists import Listed, Part
from shared.requests import RequestKey, first_result
from shared.words import counted

# The index of words, `passage_words`, differs between the databases, so the metadata does not know it: on SQLite an
# FTS5 table whose rowid is the passage's id; on PostgreSQL a table of ids and tsvectors. Titles and tags count twice.
_INDEX = {
    "sqlite": text("INSERT INTO passage_words (rowid, title, text) VALUES (:id, :title, :text)"),
    "postgresql": text(
        "INSERT INTO passage_words (id, words) VALUES (:id, setweight(to_tsvector('english', :title), 'A')"
        " || setweight(to_tsvector('english', :text), 'B'))"
    ),
}
_FORGET = {
    "sqlite": text("DELETE FROM passage_words WHERE rowid IN (SELECT id FROM passages WHERE document = :document)"),
    "postgresql": text("DELETE FROM passage_words WHERE id IN (SELECT id FROM passages WHERE document = :document)"),
}
# The score is BM25 on SQLite. PostgreSQL has no function that knows how rare a word is, so the rank of each word is
# multiplied with its inverse document frequency ln(1 + n / m) of Spärck Jones (1972): m of all n passages have it.
_FOUND = {
    "sqlite": text(
        """
        SELECT rowid AS id, -bm25(passage_words, 2.0, 1.0) AS score FROM passage_words WHERE passage_words MATCH :words
        """
    ),
    "postgresql": text(
        """
        WITH own AS (
            SELECT passages.id FROM passages JOIN documents ON documents.id = passages.document
            WHERE documents.company = :of_company
        )
        SELECT id, sum(score) AS score FROM (
            SELECT found.id, ts_rank('{0, 0, 0.5, 1}', found.words, term.query, 1)
                * ln(1 + (SELECT count(*) FROM own)::float / count(*) OVER (PARTITION BY given.word)) AS score
            FROM unnest(string_to_array(:words, ' ')) AS given (word)
            CROSS JOIN LATERAL (SELECT plainto_tsquery('english', given.word) AS query) AS term
            JOIN passage_words AS found ON found.words @@ term.query
            JOIN own ON own.id = found.id
        ) AS each GROUP BY id
        """
    ),
}


class DocumentStore:
    """The documents of all companies."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, company: str, new: Sequence[CutDocument], key: RequestKey | None) -> Added:
        """Store documents, or return what the same request stored. Raises RequestIdReused, ResultDeleted."""

        async def work(conn: AsyncConnection) -> Added:
            here = await _here(conn, company, [one.digest for one in new])
            missing = {one.digest: one for one in new if one.digest not in here}
            named = here | {digest: one.document.name for digest, one in missing.items()}
            names = [named[one.digest] for one in new]
            unchanged = len(new) - len(missing)
            made = await claim(conn, company, key, " ".join([str(unchanged), *names]))
            if key is not None and made is not None:
                return await _repeated(conn, company, key, made)
            for one in missing.values():
                await _insert(conn, company, one)
            announce(conn, TOPIC)
            return Added([await _get(conn, company, name) for name in names], unchanged)

        return await self._db.writer.run(work)

    async def made(self, company: str, key: RequestKey) -> Added | None:
        """What the same request stored before; None if it is new. Raises RequestIdReused, ResultDeleted."""
        found = await earlier(self._db, company, key)
        if found is None:
            return None
        async with self._db.read() as conn:
            return await _repeated(conn, company, key, found)

    async def get(self, company: str, name: str) -> tuple[Document, str]:
        """A document and its text. Raises DocumentNotFound."""
        async with self._db.read() as conn:
            document = await _get(conn, company, name)
            of_document = stored_passages.c.document == name.removeprefix(PREFIX)
            found = await conn.scalars(
                select(stored_passages.c.text).where(of_document).order_by(stored_passages.c.start)
            )
            return document, b"".join(found).decode()

    async def page(self, company: str, only: DocumentFilter, part: Part) -> Listed[Document]:
        """A part of the company's documents, newest first."""
        query = select(documents.c.id, documents.c.document).where(*chosen(company, only))
        return await page(self._db, query, documents.c.id, part, read_row)

    async def search(self, company: str, query: str, only: DocumentFilter, limit: int) -> list[Match]:
        """The documents whose words match, best first, each with its best passage."""
        words = queried_words(query)
        if not words:
            return []
        sqlite = self._db.dialect == "sqlite"
        given = {"words": " OR ".join(f'"{word}"' for word in words) if sqlite else " ".join(words)}
        if not sqlite:
            given["of_company"] = company

        async def best(read: int) -> tuple[Sequence[Found], bool]:
            rows = await self._db.fetch(_search(self._db.dialect, company, only, read), given)
            return [(row, row.score) for row in rows], len(rows) == read

        return await best_of_each(best, FoundBy.WORDS, limit)

    async def delete(self, company: str, name: str) -> None:
        """Delete a document. Raises DocumentNotFound."""

        async def work(conn: AsyncConnection) -> None:
            await _get(conn, company, name, lock=True)
            key = name.removeprefix(PREFIX)
            await conn.execute(_FORGET[conn.dialect.name], {"document": key})
            of_document = select(stored_passages.c.id).where(stored_passages.c.document == key)
            await conn.execute(delete(passage_vectors).where(passage_vectors.c.passage.in_(of_document)))
            await conn.execute(delete(stored_passages).where(stored_passages.c.document == key))
            await conn.execute(delete(tagged).where(tagged.c.document == key))
            await conn.execute(delete(documents).where(documents.c.id == key))

        await self._db.writer.run(work)


@lru_cache(maxsize=256)
def _search(dialect: str, company: str, only: DocumentFilter, read: int) -> Select[Any]:
    """The query for the passages whose words match, best first. To build it takes longer than to run it."""
    found = _FOUND[dialect].columns(column("id", Integer), column("score", Float)).subquery("found")
    ranked = (
        select(found.c.id, found.c.score)
        .join(stored_passages, stored_passages.c.id == found.c.id)
        .join(documents, documents.c.id == stored_passages.c.document)
        .where(*chosen(company, only))
        .order_by(found.c.score.desc(), found.c.id)
    )
    return with_texts(ranked.limit(read).subquery("ranked"))


async def about_domain(conn: AsyncConnection, company: str, domain: str, revision: int) -> str | None:
    """What refers to a domain, as the rest of a sentence. Documents hold no revision of it."""
    if revision:
        return None
    of_domain = documents.c.company == company, documents.c.domain == f"domains/{domain}"
    count: int = await conn.scalar(select(func.count()).where(*of_domain)) or 0
    return f"{counted(count, 'document')} {'is' if count == 1 else 'are'} about it" if count else None


async def _repeated(conn: AsyncConnection, company: str, key: RequestKey, made: str) -> Added:
    """made: how many documents were unchanged, and the names of all."""
    unchanged, *names = made.split(" ")
    return Added([await first_result(key, name, _get(conn, company, name)) for name in names], int(unchanged))


async def _here(conn: AsyncConnection, company: str, digests: Sequence[str]) -> dict[str, str]:
    """The names of the documents with these digests that are stored, by digest."""
    same = documents.c.company == company, documents.c.digest.in_(digests)
    rows = await conn.execute(select(documents.c.digest, documents.c.id).where(*same))
    return {row.digest: PREFIX + row.id for row in rows}


async def _insert(conn: AsyncConnection, company: str, new: CutDocument) -> None:
    document, key = new.document, new.document.name.removeprefix(PREFIX)
    record = asdict(document) | {"tags": list(document.tags)}
    row = {
        "id": key,
        "company": company,
        "domain": document.domain,
        "digest": new.digest,
        "document": dump_document(record),
    }
    await conn.execute(insert(documents), row)
    if document.tags:
        await conn.execute(insert(tagged), [{"company": company, "tag": tag, "document": key} for tag in document.tags])
    start, rows = 0, []
    for passage, _ in new.passages:
        rows.append({"document": key, "start": start, "text": passage.encode()})
        start += len(passage)
    made = insert(stored_passages).returning(stored_passages.c.id, sort_by_parameter_order=True)
    ids = (await conn.scalars(made, rows)).all()
    index = [
        {"id": passage_id, "title": new.title, "text": words}
        for passage_id, (_, words) in zip(ids, new.passages, strict=True)
    ]
    await conn.execute(_INDEX[conn.dialect.name], index)


async def _get(conn: AsyncConnection, company: str, name: str, *, lock: bool = False) -> Document:
    of_name = documents.c.company == company, documents.c.id == name.removeprefix(PREFIX)
    query = select(documents.c.document).where(*of_name)
    row = (await conn.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise DocumentNotFound(name=name)
    return read_row(row)
