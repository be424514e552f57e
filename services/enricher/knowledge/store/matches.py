"""Which documents a search chooses from, and the best passage of each."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, select

from services.enricher.knowledge.model import Document, DocumentFilter, FoundBy, Match
from services.enricher.knowledge.store.tables import documents, stored_passages, tagged
from shared.db.documents import load_document, reading_record

_ENOUGH = 2
"""How many passages are read first for each document that is wanted, because several may be of one document."""
_MORE = 4
"""How many times as many passages are read next if they were of too few documents."""
_MOST = 20_000
"""The most passages that are read for one search."""

Found = tuple[Row[Any], float]
"""The row of a passage, as `with_texts` selects it, and its score."""


async def best_of_each(
    found: Callable[[int], Awaitable[tuple[Sequence[Found], bool]]], found_by: FoundBy, limit: int
) -> list[Match]:
    """The best passage of each document, best first.

    found: the best passages up to a number, and whether there are more.
    """
    read = limit * _ENOUGH
    while True:
        passages, more = await found(read)
        best: dict[str, Match] = {}
        for row, score in passages:
            if len(best) == limit:
                break
            if row.id not in best:
                best[row.id] = Match(read_row(row), bytes(row.text).decode(), row.start, score, found_by)
        if len(best) == limit or not more or read >= _MOST:
            return list(best.values())
        read *= _MORE


def with_texts(ranked: Subquery) -> Select[Any]:
    """The passages with these ids and scores, and their documents, best first.

    Sort before, without the texts: a sorter copies all that it is given.
    """
    return (
        select(documents.c.id, documents.c.document, stored_passages.c.start, stored_passages.c.text, ranked.c.score)
        .join(stored_passages, stored_passages.c.id == ranked.c.id)
        .join(documents, documents.c.id == stored_passages.c.document)
        .order_by(ranked.c.score.desc(), ranked.c.id)
    )


def chosen(company: str, only: DocumentFilter) -> list[ColumnElement[bool]]:
    """The conditions on documents."""
    conditions = [documents.c.company == company]
    if only.domain:
        conditions.append(documents.c.domain == only.domain)
    for tag in only.tags:
        has = select(tagged.c.document).where(tagged.c.company == company, tagged.c.tag == tag)
        conditions.append(documents.c.id.in_(has))
    return conditions


def read_row(row: Row[Any]) -> Document:
    """The document of a row."""
    record = load_document(row.document)
    with reading_record():
        del record["v"]
        return Document(**record | {"tags": tuple(record["tags"])})
