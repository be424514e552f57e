"""Batches at rest: a row each; what their conversations came to is counted when it is asked for."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.batches.errors import BatchNotFound, BatchStillNeeded
from services.synthesizer.batches.model import Batch, BatchState
from services.synthesizer.conversations.model import Conversation, ConversationState, Wanted
from services.synthesizer.store import conversation_moves as moves
from services.synthesizer.store.conversations import ConversationStore
from services.synthesizer.store.references import based_on
from services.synthesizer.store.requests import claim, earlier
from services.synthesizer.store.tables import batches, conversations, log, terms
from services.synthesizer.store.terms import pack_batch_spec, unpack_batch_spec
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.model.events import Event, Usage
from shared.requests import RequestKey

_OVER = [state for state in BatchState if state.over]
# Asked for each ending that a watcher sees, so it is built once.
_STATE = select(batches.c.state).where(batches.c.id == bindparam("wanted_id"))


class BatchStore:
    """The synthesizer's batches on SQLite or PostgreSQL."""

    def __init__(self, db: Database, event_log: EventLog, conversation_store: ConversationStore) -> None:
        self._db = db
        self._log = event_log
        self._conversations = conversation_store

    async def get(self, company: str, name: str) -> Batch:
        """The batch with its counts; raises BatchNotFound."""
        wanted = select(batches).where(batches.c.company == company, batches.c.id == name.removeprefix("batches/"))
        found = await self._all(wanted)
        if not found:
            raise BatchNotFound(name=name)
        return found[0]

    async def page(
        self, company: str, state: BatchState | None, external_id: str, after: str | None, size: int
    ) -> list[Batch]:
        """Up to size batches after an id, oldest first."""
        query = select(batches).where(batches.c.company == company).order_by(batches.c.id).limit(size)
        if state is not None:
            query = query.where(batches.c.state == state)
        if external_id:
            query = query.where(batches.c.external_id == external_id)
        if after is not None:
            query = query.where(batches.c.id > after)
        return await self._all(query)

    async def head(self, batch: Batch) -> int:
        """The position of the last event of its conversations; 0 before the first."""
        return await self._log.head(batch.id)

    async def is_over(self, batch: Batch) -> bool:
        """Whether every conversation of it is over; a batch that was deleted meanwhile is over too."""
        found = await self._db.fetch(_STATE, {"wanted_id": batch.id})
        return not found or BatchState(found[0].state).over

    async def prepare(self, some: Sequence[tuple[Conversation, Sequence[Event]]]) -> None:
        """Store the first events of some conversations of a batch that is to be created."""
        await self._db.writer.run(lambda conn: moves.insert_events(conn, self._log, some))

    async def create(
        self,
        batch: Batch,
        created: Sequence[Conversation],
        rest: Sequence[tuple[Conversation, Sequence[Event]]],
        key: RequestKey | None,
    ) -> str:
        """Store it with its conversations and return its name, or that of the first result for the same request."""

        async def insert_it(conn: AsyncConnection) -> str:
            made_before = await claim(conn, batch.company, key, batch.name)
            if made_before is not None:
                return made_before
            await conn.execute(insert(batches), [_row(batch)])
            await moves.insert_conversations(conn, batch.id, batch.spec.conversation, created)
            await moves.insert_events(conn, self._log, rest)
            return batch.name

        return await self._db.writer.run(insert_it)

    async def abandon(self, batch: Batch) -> None:
        """Remove what was prepared for a batch, unless it was created."""
        await self._remove_unless_created(batch.id)

    async def remove_abandoned(self, before: str) -> None:
        """Remove what was prepared for batches with ids before this one that were never created."""
        created = exists().where(batches.c.id == log.feeds.c.feed)
        left = await self._db.fetch(select(log.feeds.c.feed).where(log.feeds.c.feed < before, ~created))
        for row in left:
            await self._remove_unless_created(row.feed)

    async def _remove_unless_created(self, batch: str) -> None:
        async def remove(conn: AsyncConnection) -> None:
            if await conn.scalar(select(batches.c.id).where(batches.c.id == batch)) is None:
                await self._log.delete_feed(conn, batch)

        await self._db.writer.run(remove)

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """The name that the same request made before; None if it is new."""
        return await earlier(self._db, company, key)

    async def let_run(self, batch: Batch) -> None:
        """Make it PENDING if it is CREATED, with its conversations."""

        async def move(conn: AsyncConnection) -> None:
            await conn.execute(
                update(batches)
                .where(batches.c.id == batch.id, batches.c.state == BatchState.CREATED)
                .values(state=BatchState.PENDING)
            )
            await moves.let_run(conn, conversations.c.batch == batch.id)

        await self._db.writer.run(move)

    async def cancel(self, batch: Batch) -> None:
        """Ask all its conversations to stop, and note that it is to be CANCELLED; unless it is over."""

        async def ask(conn: AsyncConnection) -> None:
            # In the order in which appends lock: conversations, then their batch.
            await moves.ask_to_stop(conn, conversations.c.batch == batch.id, Wanted.CANCEL)
            going_on = (batches.c.id == batch.id) & batches.c.state.not_in(_OVER)
            await conn.execute(update(batches).where(going_on).values(wanted=BatchState.CANCELLED))

        await self._db.writer.run(ask)

    async def retry(self, batch: Batch) -> None:
        """Make its FAILED conversations PENDING again, and it RUNNING if there are any."""

        async def again(conn: AsyncConnection) -> None:
            await moves.retry(conn, conversations.c.batch == batch.id)

        await self._db.writer.run(again)

    async def delete(self, batch: Batch) -> bool:
        """Remove it with its conversations and their events for good if it is over; whether it was.

        Raises BatchStillNeeded.
        """

        async def remove(conn: AsyncConnection) -> bool:
            if (child := await based_on(conn, batch.company, "batch", batch.id)) is not None:
                raise BatchStillNeeded(name=batch.name, by=child)
            over = (batches.c.id == batch.id) & batches.c.state.in_(_OVER)
            if (await conn.execute(delete(batches).where(over).returning(batches.c.id))).first() is None:
                return False
            await self._log.delete_feed(conn, batch.id)
            await conn.execute(delete(conversations).where(conversations.c.batch == batch.id))
            await conn.execute(delete(terms).where(terms.c.owner == batch.id))
            return True

        return await self._db.writer.run(remove)

    async def conversations(
        self, batch: Batch, after_index: int, size: int, states: Collection[ConversationState] = ()
    ) -> list[Conversation]:
        """Up to size conversations after an index (-1 for the first), in the order of their indexes."""
        return await self._conversations.of_batch(batch.id, after_index, size, states)

    async def _all(self, query: Select[Any]) -> list[Batch]:
        async with self._db.read() as conn:
            found = (await conn.execute(query)).all()
            sums = await _sums(conn, [row.id for row in found])
        return [_batch(row, sums.get(row.id, [])) for row in found]


async def _sums(conn: AsyncConnection, ids: Sequence[str]) -> Mapping[str, list[Row[tuple[Any, ...]]]]:
    """For each batch, a row a state of its conversations: how many, and the sums of turns and usage."""
    columns = conversations.c
    query = (
        select(
            columns.batch,
            columns.state,
            func.count().label("conversations"),
            func.sum(columns.turns).label("turns"),
            func.sum(columns.model_calls).label("model_calls"),
            func.sum(columns.input_tokens).label("input_tokens"),
            func.sum(columns.output_tokens).label("output_tokens"),
        )
        .where(columns.batch.in_(ids))
        .group_by(columns.batch, columns.state)
    )
    by_batch: dict[str, list[Row[tuple[Any, ...]]]] = {}
    for row in await conn.execute(query):
        by_batch.setdefault(row[0], []).append(row)
    return by_batch


def _row(batch: Batch) -> dict[str, object]:
    return {
        "id": batch.id,
        "company": batch.company,
        "state": batch.state,
        "size": batch.spec.size,
        "external_id": batch.spec.external_id,
        "creator": batch.creator,
        "wanted": "",
        "spec": pack_batch_spec(batch.spec),
        "create_time": batch.create_time,
        "end_time": 0,
    }


def _batch(row: Row[tuple[Any, ...]], sums: Sequence[Row[tuple[Any, ...]]]) -> Batch:
    return Batch(
        id=row.id,
        company=row.company,
        state=BatchState(row.state),
        spec=unpack_batch_spec(row.spec),
        creator=row.creator,
        create_time=row.create_time,
        end_time=row.end_time,
        counts={ConversationState(part.state): part.conversations for part in sums},
        turns=sum(int(part.turns) for part in sums),
        usage=Usage(
            *(
                sum(int(part._mapping[column]) for part in sums)
                for column in ("model_calls", "input_tokens", "output_tokens")
            )
        ),
    )
