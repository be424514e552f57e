"""Stores recordings. A recording is written with the commit that appends share, before its answer is used."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.imports.model import Outcome, Stored
from services.synthesizer.recordings.documents import pack, unpack
from services.synthesizer.recordings.errors import RecordingNotFound, RecordingsNotFound
from services.synthesizer.recordings.model import Call, NewRecording, RecordingFilter, StoredCall
from services.synthesizer.store import metadata
from shared.clock import Clock
from shared.db.appends import Write, insert_new, upsert
from shared.db.engine import Database
from shared.db.lists import page
from shared.errors import Unavailable
from shared.ids import new_id
from shared.lists import Listed, Part
from shared.llm.base import Caller
from shared.llm.recorder import Key, Recorded
from shared.lru import LruCache
from shared.model.events import Json

recordings = Table(
    "recordings",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("batch", String, nullable=False),  # its id; "" for a single conversation
    Column("conversation", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("model", String, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("batch_index", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("repeat", Integer, nullable=False),
    Column("digest", String, nullable=False),
    Column("document", LargeBinary, nullable=False),  # request and answer
    Column("create_time", BigInteger, nullable=False),
    UniqueConstraint("company", "conversation", "attempt", "seq", "repeat", "digest"),
    Index(None, "company", "id"),
    Index(None, "company", "batch", "id"),
    Index(None, "company", "seed", "batch_index", "seq", "digest"),
)

PREFIX = "recordings/"
_KEYS_CACHED = 50_000
"""Keys of running conversations that are held in memory; about 250 bytes each."""

# These run for each call of a model. Building a statement takes longer than running it, so they are built once.
_columns = recordings.c
_OWN = (
    _columns.company == bindparam("of_company"),
    _columns.conversation == bindparam("of_conversation"),
    _columns.attempt == bindparam("of_attempt"),
)
_PLACE = (
    _columns.company == bindparam("of_company"),
    _columns.seed == bindparam("of_seed"),
    _columns.batch_index == bindparam("of_index"),
    _columns.seq == bindparam("of_seq"),
)
_SAME = (_columns.repeat == bindparam("of_repeat"), _columns.digest == bindparam("of_digest"))
_OWN_KEYS = select(_columns.seed, _columns.batch_index, _columns.seq, _columns.repeat, _columns.digest).where(*_OWN)
_OWN_ANSWER = select(_columns.document).where(*_OWN, _columns.seq == bindparam("of_seq"), *_SAME)
# As an expression, so that SQLite finds the few rows of the place first, instead of reading all rows by id.
_BY_AGE = _columns.id.concat("").desc()
_NEWEST = select(_columns.document).where(*_PLACE, *_SAME).order_by(_BY_AGE).limit(1)
_NEAREST = select(_columns.document).where(*_PLACE).order_by(_BY_AGE).limit(1)


class RecordingStore:
    """The recordings of all companies, on SQLite or PostgreSQL; a shared.llm.recorder.RecordingStore.

    retry_seconds: the pause between attempts to store a recording while the store is unavailable.
    """

    def __init__(self, db: Database, clock: Clock, retry_seconds: float) -> None:
        self._db = db
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._insert = upsert(recordings, db.dialect).on_conflict_do_nothing()
        self._own_keys: LruCache[int, tuple[Caller, set[Key]]] = LruCache(_KEYS_CACHED)

    async def own(self, caller: Caller, key: Key) -> Mapping[str, Json] | None:
        parameters = _own(caller)
        if key not in await self._keys(caller, parameters):
            return None
        return await self._answer(_OWN_ANSWER, parameters | _place(caller.company, key))

    async def newest(self, company: str, key: Key) -> Mapping[str, Json] | None:
        return await self._answer(_NEWEST, _place(company, key))

    async def nearest(self, company: str, key: Key) -> Mapping[str, Json] | None:
        found = await self._db.fetch(_NEAREST, _place(company, key))
        return unpack(found[0].document)[0] if found else None

    async def put(self, recorded: Recorded) -> None:
        caller, key = recorded.caller, recorded.key
        call = Call(
            batch=caller.batch,
            conversation=caller.conversation,
            attempt=caller.attempt,
            model=recorded.request["model"],
            seed=key.seed,
            index=key.index,
            seq=key.seq,
            repeat=key.repeat,
            digest=key.digest,
        )
        write = Write(self._insert, self._row(caller.company, call, pack(recorded.request, recorded.answer)))
        while True:
            try:
                await self._db.writer.write(write)
                break
            except Unavailable:
                # The answer was paid for, so it is not given up.
                await asyncio.sleep(self._retry_seconds)
        if (known := self._own_keys.get(id(caller))) is not None:
            known[1].add(key)
            self._own_keys.put(id(caller), known, len(known[1]) + 1)

    async def get(self, company: str, name: str) -> StoredCall:
        """The recording of that name. Raises RecordingNotFound."""
        wanted = _columns.company == company, _columns.id == name.removeprefix(PREFIX)
        found = await self._db.fetch(select(recordings).where(*wanted))
        if not found:
            raise RecordingNotFound(name=name)
        return _stored(found[0])

    async def page(self, company: str, which: RecordingFilter, part: Part) -> Listed[StoredCall]:
        """A part of the recordings, newest first."""
        query = select(recordings).where(*_selected(company, which))
        return await page(self._db, query, _columns.id, part, _stored)

    async def exported(self, company: str, which: RecordingFilter, after: str, limit: int) -> list[StoredCall]:
        """Up to `limit` recordings, oldest first, starting after the name `after`."""
        query = select(recordings).where(*_selected(company, which), _columns.id > after.removeprefix(PREFIX))
        return [_stored(row) for row in await self._db.fetch(query.order_by(_columns.id).limit(limit))]

    async def add(self, company: str, new: Sequence[NewRecording]) -> list[Stored]:
        """Store imported recordings in one transaction; those that exist are unchanged."""
        rows = [self._row(company, one.call, one.document) for one in new]

        async def work(conn: AsyncConnection) -> set[str]:
            return set(await conn.scalars(insert_new(recordings, conn.dialect.name), rows))

        added = await self._db.writer.run(work)
        return [Stored(Outcome.IMPORTED if row["id"] in added else Outcome.UNCHANGED) for row in rows]

    async def delete(self, company: str, batch: str) -> int:
        """Delete the recordings of a batch and return how many there were. Raises RecordingsNotFound."""
        count = await self._db.writer.run(lambda conn: delete_of_batch(conn, company, batch.removeprefix("batches/")))
        if not count:
            raise RecordingsNotFound(batch=batch)
        return count

    async def forget(self, company: str, conversation: str) -> None:
        """Delete the recordings of the conversation with this id."""
        await self._db.writer.run(lambda conn: delete_of_conversation(conn, company, conversation))

    async def _keys(self, caller: Caller, parameters: Mapping[str, object]) -> set[Key]:
        # By identity: whenever a job takes the conversation up, it makes a new caller, so the keys are read anew.
        known = self._own_keys.get(id(caller))
        if known is None:
            found = await self._db.fetch(_OWN_KEYS, parameters)
            known = caller, {Key(*row) for row in found}
            self._own_keys.put(id(caller), known, len(known[1]) + 1)
        return known[1]

    async def _answer(self, query: Select[Any], parameters: Mapping[str, object]) -> Mapping[str, Json] | None:
        found = await self._db.fetch(query, parameters)
        return unpack(found[0].document)[1] if found else None

    def _row(self, company: str, call: Call, document: bytes) -> dict[str, Any]:
        return {
            "id": new_id(),
            "company": company,
            "batch": call.batch.removeprefix("batches/"),
            "conversation": call.conversation.removeprefix("conversations/"),
            "attempt": call.attempt,
            "model": call.model,
            "seed": call.seed,
            "batch_index": call.index,
            "seq": call.seq,
            "repeat": call.repeat,
            "digest": call.digest,
            "document": document,
            "create_time": self._clock(),
        }


async def delete_of_batch(conn: AsyncConnection, company: str, batch: str) -> int:
    """Delete the recordings of the batch with this id and return how many there were."""
    removed = await conn.execute(delete(recordings).where(_columns.company == company, _columns.batch == batch))
    return int(removed.rowcount)


async def delete_of_conversation(conn: AsyncConnection, company: str, conversation: str) -> None:
    """Delete the recordings of the conversation with this id."""
    mine = (_columns.company == company) & (_columns.conversation == conversation)
    await conn.execute(delete(recordings).where(mine))


def _own(caller: Caller) -> dict[str, object]:
    own = caller.conversation.removeprefix("conversations/")
    return {"of_company": caller.company, "of_conversation": own, "of_attempt": caller.attempt}


def _place(company: str, key: Key) -> dict[str, object]:
    return {
        "of_company": company,
        "of_seed": key.seed,
        "of_index": key.index,
        "of_seq": key.seq,
        "of_repeat": key.repeat,
        "of_digest": key.digest,
    }


def _selected(company: str, which: RecordingFilter) -> list[ColumnElement[bool]]:
    batch = [_columns.batch == which.batch.removeprefix("batches/")] if which.batch else []
    return [_columns.company == company, *batch]


def _stored(row: Row[Any]) -> StoredCall:
    call = Call(
        batch=f"batches/{row.batch}" if row.batch else "",
        conversation=f"conversations/{row.conversation}",
        attempt=row.attempt,
        model=row.model,
        seed=row.seed,
        index=row.batch_index,
        seq=row.seq,
        repeat=row.repeat,
        digest=row.digest,
    )
    return StoredCall(f"{PREFIX}{row.id}", call, row.document, row.create_time)
