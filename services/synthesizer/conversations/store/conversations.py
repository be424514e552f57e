"""The queries of conversations. A conversation's row and its events are written in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row, Select, bindparam, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.conversations.errors import ConversationNotFound, StillNeeded
from services.synthesizer.conversations.model import (
    NOT_NEEDED,
    OVER,
    Conversation,
    ConversationFilter,
    ConversationState,
    Progress,
    Wanted,
)
from services.synthesizer.conversations.store.event_cache import EventCache
from services.synthesizer.conversations.store.moves import (
    ask_to_stop,
    insert_conversations,
    insert_events,
    let_run,
    retry,
)
from services.synthesizer.conversations.store.references import based_on
from services.synthesizer.conversations.store.rows import conditions, end_row, stands_row
from services.synthesizer.conversations.store.statements import (
    ENDS,
    GOES_ON,
    REMEMBER,
    TAKEN_UP,
    BatchStatements,
)
from services.synthesizer.conversations.store.tables import conversations
from services.synthesizer.conversations.store.terms import SharedTerms, delete_terms
from services.synthesizer.recordings.store import delete_of_conversation
from services.synthesizer.store import claim, earlier, log
from shared.db.appends import Append, AppendConflict, NewEvent
from shared.db.engine import Database
from shared.db.eventlog import EventLog, StoredEvent, stored
from shared.db.lists import newest, total
from shared.engine.jobs import NO_LIMIT, Job, Limit
from shared.lists import Listed, Part
from shared.model.events import AttemptStarted, Event, unpack
from shared.requests import RequestKey

_RUNNABLE = [ConversationState.PENDING, ConversationState.GENERATING]
_PER_GROUP = 200
_EVENTS_AT_ONCE = 500

# These run for each conversation. Building a statement takes longer than running it, so they are built once.
_BY_ID = select(conversations).where(conversations.c.id == bindparam("wanted_id"))
_BY_NAME = _BY_ID.where(conversations.c.company == bindparam("wanted_company"))
# Follow the feed, so that each event is looked at once, however many conversations the batch has.
_ENDINGS = (
    select(log.events.c.position, log.events.c.stream)
    .join(
        conversations,
        (conversations.c.id == log.events.c.stream) & (conversations.c.last_seq == log.events.c.seq),
    )
    .where(
        log.events.c.feed == bindparam("of_batch"),
        log.events.c.position > bindparam("after"),
        conversations.c.state.in_(OVER),
        conversations.c.reason != NOT_NEEDED,
    )
    .order_by(log.events.c.position)
    .limit(bindparam("count"))
)

_JOB = ("id", "company", "batch", "batch_limit", "agent", "agent_limit", "persona_target", "persona_target_limit")


class ConversationStore:
    """Conversations on SQLite or PostgreSQL. Every method is one transaction and raises StoreUnavailable.

    batch: what an append and a retry write about the conversation's batch.
    """

    def __init__(self, db: Database, event_log: EventLog, cache: EventCache, batch: BatchStatements) -> None:
        self._db = db
        self._log = event_log
        self._cache = cache
        self._batch = batch
        self._terms = SharedTerms(db)

    async def get(self, company: str, name: str) -> Conversation:
        """The conversation of that name. Raises ConversationNotFound."""
        key = {"wanted_company": company, "wanted_id": name.removeprefix("conversations/")}
        found = await self._all(_BY_NAME, key)
        if not found:
            raise ConversationNotFound(name=name)
        return found[0]

    async def find(self, conversation_id: str) -> Conversation | None:
        """The conversation of that id in any company, for jobs; None if it was deleted."""
        found = await self._all(_BY_ID, {"wanted_id": conversation_id})
        return found[0] if found else None

    async def page(self, company: str, wanted: ConversationFilter, part: Part) -> Listed[Conversation]:
        """A part of the conversations, newest first."""
        query = select(conversations).where(conversations.c.company == company, *conditions(wanted))
        found = await self._all(newest(query, conversations.c.id, part))
        return Listed(found, await total(self._db, query, conversations.c.id, part, len(found)))

    async def of_batch(
        self, batch: str, after_index: int, size: int, states: Collection[ConversationState] = ()
    ) -> list[Conversation]:
        """Up to `size` conversations of a batch by index, starting after `after_index` (-1 for the first)."""
        query = (
            select(conversations)
            .where(conversations.c.batch == batch, conversations.c.batch_index > after_index)
            .order_by(conversations.c.batch_index)
            .limit(size)
        )
        if states:
            query = query.where(conversations.c.state.in_(states))
        return await self._all(query)

    async def ended_in(self, batch: str, after: int, size: int) -> list[tuple[int, Conversation]]:
        """Up to `size` conversations of a batch that are over and were needed, in the order in which they ended.

        Each comes with the position in the batch's feed of the event that ended it, which is more than `after`.
        """
        endings = {"of_batch": batch, "after": after, "count": size}
        positions = [(row.position, row.stream) for row in await self._db.fetch(_ENDINGS, endings)]
        found = await self._all(select(conversations).where(conversations.c.id.in_([key for _, key in positions])))
        by_id = {conversation.id: conversation for conversation in found}
        return [(at, by_id[key]) for at, key in positions if key in by_id and by_id[key].state in OVER]

    async def stored_events(self, conversation: Conversation, after_seq: int, limit: int) -> list[StoredEvent]:
        """Up to `limit` events in order, starting after `after_seq` (0 for the first)."""
        return await self._log.read(conversation.id, after_seq, limit)

    async def take_up(self, conversation_id: str) -> tuple[Conversation, list[Event]] | None:
        """The conversation of that id in any company with all its events, for jobs; None if it was deleted."""
        queries = (_BY_ID, {"wanted_id": conversation_id}), self._log.query(conversation_id, 0, _EVENTS_AT_ONCE)
        rows, page = await self._db.fetch_each(*queries)
        found = await self._terms.conversations(rows)
        if not found:
            return None
        events = [unpack(one.payload) for one in stored(page)]
        return found[0], events if len(events) < _EVENTS_AT_ONCE else await self.events(found[0])

    async def events(self, conversation: Conversation, up_to: int | None = None) -> list[Event]:
        """The events in order, up to and including the seq `up_to`; all if it is None."""
        events: list[Event] = []
        while True:
            page = await self._log.read(conversation.id, len(events), _EVENTS_AT_ONCE)
            events += [unpack(one.payload) for one in page]
            if len(page) < _EVENTS_AT_ONCE or (up_to is not None and len(events) >= up_to):
                return events if up_to is None else events[:up_to]

    async def earlier(self, company: str, key: RequestKey) -> str | None:
        """The name that the same request created before, or None. Raises RequestIdReused."""
        return await earlier(self._db, company, key)

    async def create(self, conversation: Conversation, events: Sequence[Event], key: RequestKey | None) -> str:
        """Store the conversation with its first events. Returns its name, or that of an earlier result of the request.

        Raises RequestIdReused, and the NotFound errors of `insert_conversations`.
        """

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
        """Append consecutive events and update the rows of the conversation and its batch.

        final: append although the conversation was asked to stop.
        Raises AppendConflict if other events have these seqs or the same request appended before, StreamInterrupted if
        the conversation was asked to stop, StreamNotFound if it was deleted.
        """
        row, batch = stands_row(conversation.id, progress.fold), conversation.batch
        also: list[tuple[Executable, Mapping[str, object]]]
        if (ended := progress.fold.ended) is not None:
            also = [(ENDS, row | end_row(ended, progress))]
            if batch is not None:
                also.append((self._batch.ends, {"of_batch": batch, "at": progress.at}))
        elif isinstance(events[0].body, AttemptStarted):
            also = [(TAKEN_UP, row | {"new_state": progress.state})]
            if batch is not None:
                also.append((self._batch.runs, {"of_batch": batch}))
        else:
            also = [(GOES_ON, row)]
        if key is not None:
            also.append((REMEMBER, _remembered(conversation, events, key)))
        append = Append(
            stream=conversation.id,
            expected=events[0].seq,
            events=tuple(NewEvent(event.id, self._cache.pack(event)) for event in events),
            also=tuple(also),
            final=final,
        )
        try:
            await self._db.writer.append(append)
        except IntegrityError as error:
            # Only the row of the request can exist already: the same request was committed just now.
            raise AppendConflict(stream=conversation.id, expected=append.expected, next_seq="taken") from error

    async def appended(self, company: str, key: RequestKey) -> tuple[int, int] | None:
        """The first and last seq that the same request appended before, or None. Raises RequestIdReused."""
        seqs = await earlier(self._db, company, key)
        if seqs is None:
            return None
        first, last = seqs.split("-")
        return int(first), int(last)

    async def let_run(self, conversation: Conversation) -> None:
        """Make the conversation PENDING if it is CREATED."""

        async def move(conn: AsyncConnection) -> None:
            await let_run(conn, conversations.c.id == conversation.id)

        await self._db.writer.run(move)

    async def want(self, conversation: Conversation, wanted: Wanted) -> None:
        """Ask the conversation to stop unless it is over. FINISH does not replace an earlier request."""

        async def ask(conn: AsyncConnection) -> None:
            await ask_to_stop(conn, conversations.c.id == conversation.id, wanted)

        await self._db.writer.run(ask)

    async def retry(self, conversation: Conversation) -> bool:
        """Make the conversation PENDING and return True if it is FAILED and its batch was not cancelled."""

        async def again(conn: AsyncConnection) -> bool:
            return await retry(conn, conversations.c.id == conversation.id, self._batch)

        return await self._db.writer.run(again)

    async def delete(self, conversation: Conversation) -> bool:
        """Delete the conversation with its events; False if it is not over. Raises StillNeeded."""

        async def remove(conn: AsyncConnection) -> bool:
            if (child := await based_on(conn, conversation.company, "id", conversation.id)) is not None:
                raise StillNeeded(name=conversation.name, by=child)
            over = (conversations.c.id == conversation.id) & conversations.c.state.in_(OVER)
            removed = await conn.execute(delete(conversations).where(over).returning(conversations.c.id))
            if removed.first() is None:
                return False
            await delete_terms(conn, conversation.id)
            await self._log.delete(conn, [conversation.id])
            await delete_of_conversation(conn, conversation.company, conversation.id)
            return True

        return await self._db.writer.run(remove)

    async def waiting(self, running: Collection[str]) -> list[Job]:
        """Jobs that can start: the first by index of every company, batch and pair of targets that do not run."""
        columns = conversations.c
        rank = func.row_number().over(
            partition_by=(columns.company, columns.batch, columns.agent, columns.persona_target),
            order_by=(columns.batch_index, columns.id),
        )
        ranked = select(*(columns[name] for name in _JOB), rank.label("rank")).where(columns.state.in_(_RUNNABLE))
        found = ranked.subquery()
        query = select(found).where(found.c.rank <= _PER_GROUP + len(running)).order_by(found.c.rank)
        return [_job(row) for row in await self._db.fetch(query) if row.id not in running]

    async def begun(self) -> list[tuple[Job, int]]:
        """The GENERATING conversations as jobs, each with its last seq."""
        columns = conversations.c
        query: Select[Any] = (
            select(*(columns[name] for name in _JOB), columns.last_seq)
            .where(columns.state == ConversationState.GENERATING)
            .order_by(columns.id)
        )
        return [(_job(row), row.last_seq) for row in await self._db.fetch(query)]

    async def cancelled(self, running: Collection[str]) -> list[str]:
        """The running conversations that a caller cancelled."""
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


def _job(row: Row[Any]) -> Job:
    limits: dict[str, int] = {}
    if row.batch_limit:
        limits[f"batches/{row.batch}"] = row.batch_limit
    for target, most in ((row.agent, row.agent_limit), (row.persona_target, row.persona_target_limit)):
        if target:
            # One target that plays both sides is one limit.
            what = f"{row.company} {target}"
            limits[what] = min(most or NO_LIMIT, limits.get(what, NO_LIMIT))
    return Job("conversations", row.id, row.company, row.batch or "", tuple(Limit(*one) for one in limits.items()))
