"""Who refers to a persona or a source: conversations do, and through them their batches."""

from collections.abc import Collection
from itertools import islice
from typing import Literal

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.catalog.errors import PersonaNotFound, SourceNotFound
from services.synthesizer.conversations.errors import ConversationNotFound
from services.synthesizer.store.tables import conversations, personas, sources

NAMED = 3
"""How many of those that refer are named."""
_HELD_AT_ONCE = 500


async def referring(conn: AsyncConnection, company: str, column: Literal["persona", "source"], key: str) -> str | None:
    """Who refers to key in a conversation's column, as the rest of a sentence; None when nobody does.

    Such as `12 conversations refer to it: conversations/a, conversations/b, conversations/c, …, of batches/d`.
    """
    refers = (conversations.c.company == company) & (conversations.c[column] == key)
    [(count, batch_count)] = await conn.execute(
        select(func.count(), func.count(conversations.c.batch.distinct())).where(refers)
    )
    if count == 0:
        return None
    ids = await conn.scalars(select(conversations.c.id).where(refers).order_by(conversations.c.id).limit(NAMED))
    batches = await conn.scalars(
        select(conversations.c.batch)
        .where(refers, conversations.c.batch.is_not(None))
        .distinct()
        .order_by(conversations.c.batch)
        .limit(NAMED)
    )
    sentence = "a conversation refers to it: " if count == 1 else f"{count} conversations refer to it: "
    sentence += _listed("conversations", ids.all(), count)
    if batch_count:
        sentence += f", of {_listed('batches', batches.all(), batch_count)}"
    return sentence


async def based_on(conn: AsyncConnection, company: str, column: Literal["id", "batch"], key: str) -> str | None:
    """The name of a conversation that is based on the one with this id, or on one of this batch; None if there is none.

    Those that it may be based on are locked, so that this transaction can delete them.
    """
    bases = select(conversations.c.id).where(conversations.c[column] == key)
    await conn.execute(bases.order_by(conversations.c.id).with_for_update())
    query = select(conversations.c.id).where(
        conversations.c.company == company, conversations.c.based_on != "", conversations.c.based_on.in_(bases)
    )
    found = await conn.scalar(query.limit(1))
    return None if found is None else f"conversations/{found}"


async def hold(
    conn: AsyncConnection, company: str, *, own: Collection[str], used: Collection[str], bases: Collection[str] = ()
) -> None:
    """Keep own personas, used sources and bases, by their keys, from deletion until this transaction refers to them.

    Raises PersonaNotFound, SourceNotFound, ConversationNotFound for one that was deleted since it was looked up.
    """
    if (gone := await _first_gone(conn, company, conversations, bases)) is not None:
        raise ConversationNotFound(name=f"conversations/{gone}")
    if (gone := await _first_gone(conn, company, personas, own)) is not None:
        raise PersonaNotFound(name=f"personas/{gone}")
    if (gone := await _first_gone(conn, company, sources, used)) is not None:
        raise SourceNotFound(name=f"sources/{gone}")


async def _first_gone(conn: AsyncConnection, company: str, table: Table, keys: Collection[str]) -> str | None:
    ordered = iter(sorted(keys))
    while chunk := list(islice(ordered, _HELD_AT_ONCE)):
        query = select(table.c.id).where(table.c.company == company, table.c.id.in_(chunk)).order_by(table.c.id)
        there = set(await conn.scalars(query.with_for_update(read=True, key_share=True)))
        if gone := next((key for key in chunk if key not in there), None):
            return gone
    return None


def _listed(collection: str, ids: object, count: int) -> str:
    names = [f"{collection}/{key}" for key in ids]  # type: ignore[attr-defined]
    return ", ".join([*names, "…"] if count > len(names) else names)
