"""Who refers to a persona or a source: conversations do, and through them their batches."""

from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.store.tables import conversations

NAMED = 3
"""How many of those that refer are named."""


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


def _listed(collection: str, ids: object, count: int) -> str:
    names = [f"{collection}/{key}" for key in ids]  # type: ignore[attr-defined]
    return ", ".join([*names, "…"] if count > len(names) else names)
