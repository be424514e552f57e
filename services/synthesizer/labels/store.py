"""Stores labels, and selects by labels and external ids."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Index, String, Table, delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.store import metadata
from shared.db.appends import insert_new

table = Table(
    "labels",
    metadata,
    Column("owner", String, primary_key=True),  # the id of a source or batch
    Column("label", String, primary_key=True),
    Column("company", String, nullable=False),
    Index(None, "company", "label", "owner"),
)


def labels_of(owner: ColumnElement[str]) -> ColumnElement[Any]:
    """The column `labels` of a query: the labels of each owner for `split`, or NULL."""
    joined = select(func.aggregate_strings(table.c.label, ",")).where(table.c.owner == owner)
    return joined.correlate(owner.table).scalar_subquery().label("labels")


def split(labels: str | None) -> tuple[str, ...]:
    """The labels in a value of the column `labels`, in alphabetical order."""
    return tuple(sorted(labels.split(","))) if labels else ()


def having(company: str, owner: ColumnElement[str], labels: Iterable[str]) -> list[ColumnElement[bool]]:
    """Conditions that hold if the owner has every one of the labels."""
    return [
        exists().where(table.c.company == company, table.c.label == label, table.c.owner == owner) for label in labels
    ]


async def attach(conn: AsyncConnection, company: str, owners: Iterable[str], labels: Sequence[str]) -> set[str]:
    """Give each owner all of the labels; returns the owners that lacked one."""
    wanted = [{"company": company, "owner": owner, "label": label} for owner in owners for label in {*labels}]
    if not wanted:
        return set()
    inserted = await conn.execute(insert_new(table, conn.dialect.name), wanted)
    return set(inserted.scalars())


async def detach(conn: AsyncConnection, owner: str, labels: Sequence[str] | None = None) -> None:
    """Take these labels from the owner; None takes all."""
    some = () if labels is None else (table.c.label.in_(labels),)
    await conn.execute(delete(table).where(table.c.owner == owner, *some))


def identified(
    external_id: ColumnElement[str], one: str, several: Sequence[str], prefix: str
) -> list[ColumnElement[bool]]:
    """Conditions on an external id: equal to `one`, among `several`, starts with `prefix`. Empty ones ask nothing."""
    conditions: list[ColumnElement[bool]] = []
    if one:
        conditions.append(external_id == one)
    if several:
        conditions.append(external_id.in_(several))
    if prefix:
        # LIKE ignores the case of letters on SQLite.
        conditions.append(func.substr(external_id, 1, len(prefix)) == prefix)
    return conditions
