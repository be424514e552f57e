"""Conversations at rest: one row beside each event log, written in the same transaction as its events."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.conversations.errors import ConversationNotFound, StillNeeded
from services.synthesizer.conversations.model import (
    OVER,
    Conversation,
    ConversationFilter,
    ConversationState,
    Wanted,
)
from services.synthesizer.conversations.ports import Progress
from services.synthesizer.recent import Recent
from services.synthesizer.store.conversation_moves import (
    ask_to_stop,
    insert_conversations,
    insert_events,
    let_run,
    retry,
)
from services.synthesizer.store.conversation_rows import conditions, end_row, stands_row
from services.synthesizer.store.references import based_on
from services.synthesizer.store.requests import claim, earlier
from services.synthesizer.store.shared_terms import SharedTerms
from services.synthesizer.store.statements import BATCH_IS_OVER, BATCH_RUNS, ENDS, GOES_ON, REMEMBER, TAKEN_UP
from services.synthesizer.store.tables import conversations, terms
from shared.db.appends import Append, AppendConflict, Constant, NewEvent
from shared.db.engine import Database
from shared.db.eventlog import EventLog, StoredEvent, stored
from shared.engine.jobs import Job
from shared.model.events import AttemptStarted, Event, unpack
from shared.requests import RequestKey

_RUNNABLE = [ConversationState.PENDING, ConversationState.GENERATING]
_PER_GROUP = 200
_EVENTS_AT_ONCE = 500

# What runs for each conversation of a batch is built once: building a statement costs more than running it.
_BY_ID = select(conversations).where(conversations.c.id == bindparam("wanted_id"))
_BY_NAME = _BY_ID.where(conversations.c.company == bindparam("wanted_company"))


class ConversationStore:
    """The synthesizer's conversations on SQLite or PostgreSQL."""

    def __init__(self, db: Database, event_log: EventLog, recent: Recent) -> None:
        self._db = db
        self._log = event_log
        self._recent = recent
        self._terms = SharedTerms(db)

    async def get(self, company: str, name: str) -> Conversation:
        """The conversation of that name; raises ConversationNotFound."""
        key = {"wanted_company": company, "wanted_id": name.removeprefix("conversations/")}
        found = await self._all(_BY_NAME, key)
        if not found:
            raise ConversationNotFound(name=name)
        return found[0]

    async def find(self, conversation_id: str) -> Conversation | None:
        """The conversation of that id, whosever it is; None when it was deleted."""
        found = await self._all(_BY_ID, {"wanted_id": conversation_id})
        return found[0] if found else None

    async def page(self, company: str, wanted: ConversationFilter, after: str | None, size: int) -> list[Conversation]:
        """Up to size conversations after an id, oldest first."""
        query = (
            select(conversations)
            .where(conversations.c.company == company, *conditions(wanted))
            .order_by(conversations.c.id)
            .limit(size)
        )
        if after is not None:
            query = query.where(conversations.c.id > after)
        return await self._all(query)

    async def of_batch(
        self, batch: str, after_index: int, size: int, states: Collection[ConversationState] = ()
    ) -> list[Conversation]:
        """Up to size conversations of a batch after an index (-1 for the first), in the order of their indexes."""
        query = (
            select(conversations)
            .where(conversations.c.batch == batch, conversations.c.batch_index > after_index)
            .order_by(conversations.c.batch_index)
            .limit(size)
        )
        if states:
            query = query.where(conversations.c.state.in_(states))
        return await self._all(query)

    async def stored_events(self, conversation: Conversation, after_seq: int, limit: int) -> list[StoredEvent]:
        """Up to limit events after a seq (0 for the first), in order."""
        return await self._log.read(conversation.id, after_seq, limit)

    async def take_up(self, conversation_id: str) -> tuple[Conversation, list[Event]] | None:
        """The conversation of that id with all its events; None when it was deleted."""
        queries = (_BY_ID, {"wanted_id": conversation_id}), self._log.query(conversation_id, 0, _EVENTS_AT_ONCE)
        rows, page = await self._db.fetch_each(*queries)
        found = await self._terms.conversations(rows)
        if not found:
            return None
        events = [unpack(one.payload) for one in stored(page)]
        return found[0], events if len(events) < _EVENTS_AT_ONCE else await self.events(found[0])

    async def events(self, conversation: Conversation, up_to: int | None = None) -> list[Event]:
        """All events in order, or those up to and with a seq."""
        events: list[Event] = []
        while True:
            page = await self._log.read(conversation.id, len(events), _EVENTS_AT_ONCE)
            events += [unpack(one.payload) for one in page]
            if len(page) < _EVENTS_AT_ONCE or (up_to is not None and len(events) >= up_to):
                return events if up_to is None else events[:up_to]

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """The name that the same request made before; None if it is new."""
        return await earlier(self._db, company, key)

    async def create(self, conversation: Conversation, events: Sequence[Event], key: RequestKey | None) -> str:
        """Store it with its first events and return its name, or that of the first result for the same request."""

        async def insert_it(conn: AsyncConnection) -> str:
            made_before = await claim(conn, conversation.company, key, conversation.name)
            if made_before is not None:
                return made_before
            await insert_conversations(conn, conversation.id, conversation.spec, [conversation])
            await insert_events(conn, self._log, [(conversation, events)])
            return conversation.name

        return await self._db.writer.run(insert_it)

    async def append(
        self,
        conversation: Conversation,
        events: Sequence[Event],
        progress: Progress,
        *,
        final: bool = False,
        key: RequestKey | None = None,
    ) -> None:
        """Append events that follow one another, with the row's new state and what it means for the batch."""
        stands, batch = stands_row(conversation.id, progress.fold), conversation.batch
        also: list[tuple[Constant, Mapping[str, object]]]
        if (ended := progress.fold.ended) is not None:
            also = [(ENDS, stands | end_row(ended, progress))]
            if batch is not None:
                also.append((BATCH_IS_OVER, {"of_batch": batch, "at": progress.at}))
        elif isinstance(events[0].body, AttemptStarted):
            also = [(TAKEN_UP, stands | {"new_state": progress.state})]
            if batch is not None:
                also.append((BATCH_RUNS, {"of_batch": batch}))
        else:
            also = [(GOES_ON, stands)]
        if key is not None:
            also.append((REMEMBER, _remembered(conversation, events, key)))
        append = Append(
            stream=conversation.id,
            expected=events[0].seq,
            events=tuple(NewEvent(event.id, self._recent.pack(event)) for event in events),
            also=tuple(also),
            final=final,
        )
        try:
            await self._db.writer.append(append)
        except IntegrityError as error:
            # The only row of ours that can be there already is the request's: its first sending was committed just now.
            raise AppendConflict(stream=conversation.id, expected=append.expected, next_seq="taken") from error

    async def appended(self, company: str, key: RequestKey) -> tuple[int, int] | None:
        """The first and last seq that the same request appended before; None if it is new."""
        seqs = await earlier(self._db, company, key)
        if seqs is None:
            return None
        first, last = seqs.split("-")
        return int(first), int(last)

    async def let_run(self, conversation: Conversation) -> None:
        """Make it PENDING if it is CREATED."""

        async def move(conn: AsyncConnection) -> None:
            await let_run(conn, conversations.c.id == conversation.id)

        await self._db.writer.run(move)

    async def want(self, conversation: Conversation, wanted: Wanted) -> None:
        """Ask whoever runs it to stop, unless it is over; who asked for its end before is not overruled by FINISH."""

        async def ask(conn: AsyncConnection) -> None:
            await ask_to_stop(conn, conversations.c.id == conversation.id, wanted)

        await self._db.writer.run(ask)

    async def retry(self, conversation: Conversation) -> bool:
        """Make it PENDING again if it is FAILED and its batch was not cancelled; whether that was so."""

        async def again(conn: AsyncConnection) -> bool:
            return await retry(conn, conversations.c.id == conversation.id)

        return await self._db.writer.run(again)

    async def delete(self, conversation: Conversation) -> bool:
        """Remove it with its events for good if it is over; whether it was. Raises StillNeeded."""

        async def remove(conn: AsyncConnection) -> bool:
            if (child := await based_on(conn, conversation.company, "id", conversation.id)) is not None:
                raise StillNeeded(name=conversation.name, by=child)
            over = (conversations.c.id == conversation.id) & conversations.c.state.in_(OVER)
            removed = await conn.execute(delete(conversations).where(over).returning(conversations.c.id))
            if removed.first() is None:
                return False
            await conn.execute(delete(terms).where(terms.c.owner == conversation.id))
            await self._log.delete(conn, [conversation.id])
            return True

        return await self._db.writer.run(remove)

    async def waiting(self, running: Collection[str]) -> list[Job]:
        """Jobs to take up: of every company and batch the first ones by index, without the running ones."""
        rank = func.row_number().over(
            partition_by=(conversations.c.company, conversations.c.batch),
            order_by=(conversations.c.batch_index, conversations.c.id),
        )
        columns = (conversations.c.id, conversations.c.company, conversations.c.batch, rank.label("rank"))
        ranked = select(*columns).where(conversations.c.state.in_(_RUNNABLE)).subquery()
        query = select(ranked).where(ranked.c.rank <= _PER_GROUP + len(running)).order_by(ranked.c.rank)
        rows = await self._db.fetch(query)
        return [Job("conversation", row.id, row.company, row.batch or "") for row in rows if row.id not in running]

    async def cancelled(self, running: Collection[str]) -> list[str]:
        """Those of the running ones that somebody asked to cancel."""
        query = select(conversations.c.id).where(
            conversations.c.id.in_(sorted(running)),
            conversations.c.state.in_(_RUNNABLE),
            conversations.c.wanted == Wanted.CANCEL,
        )
        return [row.id for row in await self._db.fetch(query)]

    async def _all(self, query: Select[Any], parameters: Mapping[str, object] | None = None) -> list[Conversation]:
        return await self._terms.conversations(await self._db.fetch(query, parameters))


def _remembered(conversation: Conversation, events: Sequence[Event], key: RequestKey) -> dict[str, object]:
    return {
        "company": conversation.company,
        "method": key.method,
        "request_id": key.request_id,
        "digest": key.digest,
        "name": f"{events[0].seq}-{events[-1].seq}",
    }
