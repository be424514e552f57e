"""References to personas, procedures and sources, which prevent their deletion."""

from collections.abc import Collection
from itertools import islice
from typing import Literal

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.conversations.errors import ConversationNotFound
from services.synthesizer.conversations.store.tables import conversations, resource_uses
from services.synthesizer.personas.errors import PersonaNotFound
from services.synthesizer.personas.store import personas
from services.synthesizer.procedures.store import hold_revision
from services.synthesizer.resource_sets.errors import ResourceSetNotFound
from services.synthesizer.resource_sets.store import resource_sets
from services.synthesizer.sources.errors import SourceNotFound
from services.synthesizer.sources.store import sources

NAMED = 3
"""How many names the sentence lists."""
_HELD_AT_ONCE = 500


async def persona_referred_to(conn: AsyncConnection, company: str, key: str) -> str | None:
    """Which conversations have this persona; see `referring`."""
    return await referring(conn, company, "persona", key)


async def source_referred_to(conn: AsyncConnection, company: str, key: str) -> str | None:
    """Which conversations start from this source; see `referring`."""
    return await referring(conn, company, "source", key)


async def procedure_referred_to(conn: AsyncConnection, company: str, key: str, revision: int) -> str | None:
    """Which conversations or sources refer to this revision of a procedure, or to any if `revision` is 0."""
    if (by := await referring(conn, company, "procedure", key, revision)) is not None:
        return by
    linked = (sources.c.company == company) & (sources.c.procedure == key)
    if revision:
        linked &= sources.c.revision == revision
    count = await conn.scalar(select(func.count()).where(linked)) or 0
    if count == 0:
        return None
    ids = await conn.scalars(select(sources.c.id).where(linked).order_by(sources.c.id).limit(NAMED))
    sentence = "a source is linked to it: " if count == 1 else f"{count} sources are linked to it: "
    return sentence + _listed("sources", ids.all(), count)


async def resource_set_used(conn: AsyncConnection, company: str, key: str) -> str | None:
    """Which batches and single conversations use this resource set, as the rest of a sentence; None if none does."""
    uses = (resource_uses.c.company == company) & (resource_uses.c.resource_set == key)
    count = await conn.scalar(select(func.count()).where(uses)) or 0
    if count == 0:
        return None
    query = (
        select(resource_uses.c.owner, resource_uses.c.batch).where(uses).order_by(resource_uses.c.owner).limit(NAMED)
    )
    names = [f"{'batches' if batch else 'conversations'}/{owner}" for owner, batch in await conn.execute(query)]
    more = ["…"] if count > NAMED else []
    return f"{', '.join([*names, *more])} {'uses' if count == 1 else 'use'} it"


async def referring(
    conn: AsyncConnection,
    company: str,
    column: Literal["persona", "procedure", "source"],
    key: str,
    revision: int = 0,
) -> str | None:
    """Which conversations have `key` in the column, as the rest of a sentence; None if there are none.

    revision: count only conversations with this revision, if it is not 0. The sentence is such as
    `12 conversations refer to it: conversations/a, conversations/b, conversations/c, …, of batches/d`.
    """
    refers = (conversations.c.company == company) & (conversations.c[column] == key)
    if revision:
        refers &= conversations.c.revision == revision
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
    """The name of a conversation based on the one with this id, or on one of this batch; None if there is none.

    Locks the rows with this id or batch, so that the transaction can delete them.
    """
    bases = select(conversations.c.id).where(conversations.c[column] == key)
    await conn.execute(bases.order_by(conversations.c.id).with_for_update())
    query = select(conversations.c.id).where(
        conversations.c.company == company, conversations.c.based_on != "", conversations.c.based_on.in_(bases)
    )
    found = await conn.scalar(query.limit(1))
    return None if found is None else f"conversations/{found}"


async def hold(
    conn: AsyncConnection,
    company: str,
    *,
    own: Collection[str],
    used: Collection[str],
    bases: Collection[str] = (),
    revisions: Collection[tuple[str, int]] = (),
    sets: Collection[str] = (),
) -> None:
    """Lock what new conversations refer to, by ids, so that nobody deletes it before this transaction ends.

    own: the company's own personas. used: sources. bases: conversations. revisions: (procedure, number).
    sets: resource sets.
    Raises the NotFound error of what was deleted since it was looked up.
    """
    for procedure, number in sorted(revisions):
        await hold_revision(conn, company, procedure, number)
    if (gone := await _first_gone(conn, company, conversations, bases)) is not None:
        raise ConversationNotFound(name=f"conversations/{gone}")
    if (gone := await _first_gone(conn, company, personas, own)) is not None:
        raise PersonaNotFound(name=f"personas/{gone}")
    if (gone := await _first_gone(conn, company, sources, used)) is not None:
        raise SourceNotFound(name=f"sources/{gone}")
    if (gone := await _first_gone(conn, company, resource_sets, sets)) is not None:
        raise ResourceSetNotFound(name=f"resources/{gone}")


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
