"""Queries of lists: newest first, in parts, by the beginning or end of an id, with their size."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.engine import Database
from shared.lists import COUNTED, Listed, Part

T = TypeVar("T")


async def page(
    db: Database,
    query: Select[Any],
    row_id: ColumnElement[str],
    part: Part,
    read: Callable[[Row[Any]], T],
    created: ColumnElement[int] | None = None,
) -> Listed[T]:
    """The part of the query's rows, newest first. created: as in `newest_by_time`, for ids that users choose."""
    found = newest(query, row_id, part) if created is None else newest_by_time(query, created, row_id, part)
    rows = await db.fetch(found)
    return Listed([read(row) for row in rows], await total(db, query, row_id, part, len(rows)))


def newest(query: Select[Any], row_id: ColumnElement[str], part: Part) -> Select[Any]:
    """The part of the query's rows, newest first. row_id: the column of ids, whose order is that of creation."""
    rows = having(query, row_id, part)
    if part.before:
        rows = rows.where(row_id < part.before)
    return rows.order_by(row_id.desc()).limit(part.limit)


def newest_by_time(
    query: Select[Any], created: ColumnElement[int], row_id: ColumnElement[str], part: Part
) -> Select[Any]:
    """As `newest`, for ids that users choose. created: the column of creation times."""
    rows = having(query, row_id, part)
    if part.before:
        rows = rows.where(tuple_(created, row_id) < (part.before_time, part.before))
    return rows.order_by(created.desc(), row_id.desc()).limit(part.limit)


async def newest_time(
    conn: AsyncConnection, created: ColumnElement[int], within: ColumnElement[bool], time: int
) -> int:
    """The creation time of a new row, by which it is the newest, also if the clock was set back. time: the clock's."""
    last: int | None = (await conn.execute(select(func.max(created)).where(within))).scalar()
    return time if last is None else max(time, last + 1)


def having(query: Select[Any], row_id: ColumnElement[str], part: Part) -> Select[Any]:
    """The query's rows whose id begins or ends with `part.short_id`."""
    if not part.short_id:
        return query
    ends = (row_id.startswith(part.short_id, autoescape=True), row_id.endswith(part.short_id, autoescape=True))
    return query.where(or_(*ends))


async def total(db: Database, query: Select[Any], row_id: ColumnElement[str], part: Part, found: int) -> int:
    """The size of the whole list, as in `Listed`. found: how many rows this part has."""
    if part.before:
        return 0
    if found < part.limit:
        return found
    ids = having(query, row_id, part).with_only_columns(row_id).limit(COUNTED + 1).subquery()
    [row] = await db.fetch(select(func.count()).select_from(ids))
    return int(row[0])
