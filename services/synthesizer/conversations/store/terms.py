"""The terms of conversations: the spec and a copy of each persona, stored once per batch or single conversation."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.conversations.model import Conversation, ConversationSpec
from services.synthesizer.conversations.store.documents import pack_spec, unpack_spec
from services.synthesizer.conversations.store.rows import read_conversation
from services.synthesizer.conversations.store.tables import resource_uses, terms
from services.synthesizer.personas.model import Persona
from services.synthesizer.personas.store import pack_persona, unpack_persona
from shared.db.engine import Database
from shared.lru import LruCache

CACHE_BYTES = 4 << 20
"""The size of the cache, in bytes of the stored documents."""

_SPEC = ""
_OWNERS_AT_ONCE = 200

_Key = tuple[str, str]
_Part = ConversationSpec | Persona


async def insert_terms(
    conn: AsyncConnection, company: str, owner: str, spec: ConversationSpec, personas: Iterable[Persona]
) -> None:
    """Store the terms. owner: the id of the batch or of the single conversation."""
    parts = {persona.name.removeprefix("personas/"): pack_persona(persona) for persona in personas}
    parts[_SPEC] = pack_spec(spec)
    rows = [{"owner": owner, "part": part, "company": company, "document": parts[part]} for part in parts]
    await conn.execute(insert(terms), rows)


async def delete_terms(conn: AsyncConnection, owner: str) -> None:
    """Delete the terms, and that they use resource sets."""
    await conn.execute(delete(terms).where(terms.c.owner == owner))
    await conn.execute(delete(resource_uses).where(resource_uses.c.owner == owner))


class SharedTerms:
    """Makes conversations from their rows and terms. Terms never change, so they are cached."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._cache: LruCache[_Key, _Part] = LruCache(CACHE_BYTES)
        self._reading = asyncio.Lock()

    async def conversations(self, rows: Sequence[Row[Any]]) -> list[Conversation]:
        """The conversations of these rows, without those that were deleted since."""
        keys = {key for row in rows for key in _keys(row)}
        parts, missing = self._known(keys)
        if missing:
            # The first conversations of a batch ask for the same terms at once; only one reads them.
            async with self._reading:
                parts, missing = self._known(keys)
                owners = sorted(missing)
                for start in range(0, len(owners), _OWNERS_AT_ONCE):
                    some = owners[start : start + _OWNERS_AT_ONCE]
                    parts |= await self._read(some, set().union(*(missing[owner] for owner in some)))
        return [_read(row, parts) for row in rows if all(key in parts for key in _keys(row))]

    def _known(self, keys: Iterable[_Key]) -> tuple[dict[_Key, _Part], dict[str, set[str]]]:
        """The cached parts, and the missing parts by owner."""
        parts: dict[_Key, _Part] = {}
        missing: dict[str, set[str]] = {}
        for owner, part in keys:
            if (found := self._cache.get((owner, part))) is not None:
                parts[owner, part] = found
            else:
                missing.setdefault(owner, set()).add(part)
        return parts, missing

    async def _read(self, owners: Sequence[str], wanted: Iterable[str]) -> dict[_Key, _Part]:
        found: dict[_Key, _Part] = {}
        query = select(terms).where(terms.c.owner.in_(owners), terms.c.part.in_(sorted(wanted)))
        for row in await self._db.fetch(query):
            part = unpack_spec(row.document) if row.part == _SPEC else unpack_persona(row.document)
            found[row.owner, row.part] = part
            self._cache.put((row.owner, row.part), part, len(row.document))
        return found


def _keys(row: Row[Any]) -> list[_Key]:
    owner = row.batch or row.id
    return [(owner, _SPEC), (owner, row.persona)] if row.persona else [(owner, _SPEC)]


def _read(row: Row[Any], parts: dict[_Key, _Part]) -> Conversation:
    owner = row.batch or row.id
    spec = parts[owner, _SPEC]
    persona = parts[owner, row.persona] if row.persona else None
    assert isinstance(spec, ConversationSpec)
    assert not isinstance(persona, ConversationSpec)
    return read_conversation(row, spec, persona)
