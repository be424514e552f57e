"""Stores patterns, and finds those that are similar to a request."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Row,
    Select,
    Subquery,
    bindparam,
    case,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from services.enricher.patterns.errors import PatternNotFound
from services.enricher.patterns.model import PATTERN, Found, Pattern, Request
from services.enricher.patterns.similarity import DOMAIN, ENTITY, FIELDS, SCENARIOS, WHOLE, WORDS, WORKFLOW, Features
from services.enricher.patterns.store.documents import load
from services.enricher.patterns.store.tables import features, patterns
from shared.db.engine import Database
from shared.db.lists import page
from shared.lists import Listed, Part

_SHORT = [column for column in patterns.c if column.name != "document"]
_COMPARED = 200
"""How many patterns of a domain and entity are compared with a request that is enriched, the newest."""
_USED = (
    update(patterns)
    .where(patterns.c.company == bindparam("of_company"), patterns.c.id == bindparam("of_id"))
    .values(uses=patterns.c.uses + bindparam("more"))
)


class PatternStore:
    """The patterns of all companies."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, company: str, name: str) -> Pattern:
        """A pattern. Raises PatternNotFound."""
        rows = await self._db.fetch(select(patterns).where(_of(company, name)))
        if not rows:
            raise PatternNotFound(name=name)
        return _read(rows[0])

    async def page(self, company: str, domain: str, entity: str, part: Part) -> Listed[Pattern]:
        """A part of the company's patterns, newest first. domain, entity: only theirs; "" for any."""
        query = select(*_SHORT).where(*_about(company, domain, entity))
        return await page(self._db, query, patterns.c.id, part, _read)

    async def similar(
        self, company: str, by: Features, quality: float, similarity: float, limit: int, *, same: bool = False
    ) -> list[Found]:
        """The most similar patterns with at least this quality and similarity, short.

        same: only the newest _COMPARED of the same domain and entity, whole.
        """
        wanted = {
            "company": company,
            "domain": by.domain,
            "entity": by.entity,
            "workflow": by.workflow,
            "scenarios": len(by.scenarios),
            "fields": len(by.fields),
            "words": len(by.words),
            "features": sorted(by.scenarios | by.fields | by.words),
            "least_quality": quality,
            "least_similarity": similarity,
            "most": limit,
        }
        found = {row.id: row for row in await self._db.fetch(_NEWEST if same else _ALL, wanted)}
        if not same or not found:
            return [Found(_read(row), row.similarity) for row in found.values()]
        read = {row.id: _read(row) for row in await self._db.fetch(_WHOLE, {"company": company, "ids": [*found]})}
        return [Found(read[key], row.similarity) for key, row in found.items() if key in read]

    async def used(self, uses: Mapping[tuple[str, str], int]) -> None:
        """Add to the uses of patterns, by company and name; of those that are deleted nothing is left to change."""
        rows = [
            {"of_company": company, "of_id": name.removeprefix(PATTERN), "more": more}
            for (company, name), more in sorted(uses.items())
        ]

        async def work(conn: AsyncConnection) -> None:
            await conn.execute(_USED, rows)

        await self._db.writer.run(work)

    async def delete(self, company: str, name: str) -> None:
        """Delete a pattern. Raises PatternNotFound."""

        async def work(conn: AsyncConnection) -> None:
            if not (await conn.execute(delete(patterns).where(_of(company, name)))).rowcount:
                raise PatternNotFound(name=name)
            await conn.execute(delete(features).where(features.c.pattern == name.removeprefix(PATTERN)))

        await self._db.writer.run(work)


def _counted(pattern: ColumnElement[str]) -> Select[Any]:
    """How many features of each kind each pattern has."""
    columns: list[ColumnElement[Any]] = [pattern.label("pattern")]
    columns += [func.sum(case((features.c.kind == kind, 1), else_=0)).label(f"kind{kind}") for kind in range(3)]
    return select(*columns)


def _similar(columns: ReadOnlyColumnCollection[str, Any], common: Subquery) -> Select[Any]:
    """Patterns with these columns, and their similarity. common: the counts of features that a request has too."""
    parts = [
        DOMAIN * case((columns.domain == bindparam("domain"), 1.0), else_=0.0),
        ENTITY * case((columns.entity == bindparam("entity"), 1.0), else_=0.0),
        WORKFLOW * case((columns.workflow == bindparam("workflow"), 1.0), else_=0.0),
        SCENARIOS * _jaccard(columns.scenarios, bindparam("scenarios", type_=Integer), common.c.kind0),
        FIELDS * _jaccard(columns.fields, bindparam("fields", type_=Integer), common.c.kind1),
        WORDS * _jaccard(columns.words, bindparam("words", type_=Integer), common.c.kind2),
    ]
    total: ColumnElement[float] = sum(parts[1:], start=parts[0])
    short = [columns[one.name] for one in _SHORT]
    return select(*short, (total / float(WHOLE)).label("similarity")).outerjoin(common, common.c.pattern == columns.id)


def _jaccard(here: ColumnElement[int], there: ColumnElement[int], common: ColumnElement[int]) -> ColumnElement[float]:
    """How many both have of all; 1 if there are none. here, there: how many each has."""
    both = func.coalesce(common, 0)
    either = here + there - both
    return case((either == 0, 1.0), else_=cast(both, Float) / either)


def _ranked(similar: Select[Any]) -> Select[Any]:
    """The most similar of them first."""
    ranked = similar.subquery()
    return (
        select(ranked)
        .where(ranked.c.similarity >= bindparam("least_similarity", type_=Float))
        .order_by(ranked.c.similarity.desc(), ranked.c.quality.desc(), ranked.c.id.desc())
        .limit(bindparam("most", type_=Integer))
    )


def _newest() -> Select[Any]:
    """The most similar of the newest patterns of the same domain and entity."""
    of_both = patterns.c.domain == bindparam("domain"), patterns.c.entity == bindparam("entity")
    good = select(*_SHORT).where(_OF_COMPANY, *of_both, _GOOD)
    newest = good.order_by(patterns.c.id.desc()).limit(_COMPARED).cte("newest")
    # An outer join, because SQLite would otherwise read the features of all patterns.
    wanted = (features.c.pattern == newest.c.id) & _WANTED
    common = _counted(newest.c.id).select_from(newest.outerjoin(features, wanted)).group_by(newest.c.id)
    return _ranked(_similar(newest.c, common.subquery("common")))


def _all() -> Select[Any]:
    """The most similar of all patterns of a company."""
    of_company = features.c.company == bindparam("company")
    common = _counted(features.c.pattern).where(of_company, _WANTED).group_by(features.c.pattern)
    return _ranked(_similar(patterns.c, common.subquery("common")).where(_OF_COMPANY, _GOOD))


# To build a query takes longer than to run it, so they are built once.
_OF_COMPANY = patterns.c.company == bindparam("company")
_GOOD = patterns.c.quality >= bindparam("least_quality")
_WANTED = features.c.feature.in_(bindparam("features", expanding=True))
_NEWEST, _ALL = _newest(), _all()
_WHOLE = select(patterns).where(_OF_COMPANY, patterns.c.id.in_(bindparam("ids", expanding=True)))


def _of(company: str, name: str) -> ColumnElement[bool]:
    return (patterns.c.company == company) & (patterns.c.id == name.removeprefix(PATTERN))


def _about(company: str, domain: str, entity: str) -> list[ColumnElement[bool]]:
    about = [patterns.c.company == company]
    if domain:
        about.append(patterns.c.domain == domain)
    if entity:
        about.append(patterns.c.entity == entity)
    return about


def _read(row: Row[Any]) -> Pattern:
    whole = load(row.document) if "document" in row._fields else None
    return Pattern(
        name=PATTERN + row.id,
        request=whole[0] if whole else Request(row.domain, row.entity, row.revision, workflow=row.workflow),
        plan=whole[1] if whole else None,
        quality=row.quality,
        records=row.records,
        generations=row.generations,
        uses=row.uses,
        creator=row.creator,
        create_time=row.create_time,
    )
