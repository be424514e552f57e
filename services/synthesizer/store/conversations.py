"""Conversations at rest: one row beside each event log, written in the same transaction as its events."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.conversations.errors import ConversationNotFound
from services.synthesizer.conversations.model import (
    OVER,
    Conversation,
    ConversationFilter,
    ConversationState,
    Wanted,
)
from services.synthesizer.conversations.ports import Progress
from services.synthesizer.ports import RequestKey
from services.synthesizer.store.references import hold
from services.synthesizer.store.requests import claim, earlier
from services.synthesizer.store.tables import batches, conversations, log, requests
from services.synthesizer.store.terms import pack_terms, unpack_terms
from shared.db.appends import Append, AppendConflict, NewEvent
from shared.db.engine import Database
from shared.db.eventlog import EventLog, NewStream, StoredEvent
from shared.db.wakeups import announce
from shared.engine.jobs import TOPIC, Job
from shared.model.events import AttemptStarted, Ended, Event, Fault, Outcome, Usage, pack, unpack

_GOING_ON = [ConversationState.CREATED, ConversationState.PENDING, ConversationState.GENERATING]
_RUNNABLE = [ConversationState.PENDING, ConversationState.GENERATING]
_PER_GROUP = 200
_EVENTS_AT_ONCE = 500
_RETRIED_AT_ONCE = 500


def _one_of(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """`column IN values`, in a form that can be executed for many rows at once."""
    return or_(*(column == value for value in values))


_PROGRESS_COLUMNS = (
    *("state", "turns", "last_seq", "attempt", "model_calls", "input_tokens", "output_tokens"),
    *("reason", "detail", "fault", "digest", "end_time"),
)
_PROGRESS = (
    update(conversations)
    .where(conversations.c.id == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in _PROGRESS_COLUMNS})
)
"""What the fold says, beside the events."""

_BATCH_RUNS = (
    update(batches).where(batches.c.id == bindparam("of_batch"), batches.c.state == "PENDING").values(state="RUNNING")
)
BATCH_IS_OVER = (
    update(batches)
    .where(
        batches.c.id == bindparam("of_batch"),
        _one_of(batches.c.state, ["CREATED", "PENDING", "RUNNING"]),
        ~exists().where(conversations.c.batch == bindparam("of_batch"), _one_of(conversations.c.state, _GOING_ON)),
    )
    .values(
        # Cancelled is what was asked for; a batch whose last conversation had ended before is completed all the same.
        state=func.coalesce(func.nullif(batches.c.wanted, ""), "COMPLETED"),
        end_time=bindparam("at"),
    )
)

_REMEMBER = insert(requests)


class ConversationStore:
    """The synthesizer's conversations on SQLite or PostgreSQL."""

    def __init__(self, db: Database, event_log: EventLog) -> None:
        self._db = db
        self._log = event_log

    async def get(self, company: str, name: str) -> Conversation:
        """The conversation of that name; raises ConversationNotFound."""
        found = await self._one(
            conversations.c.company == company, conversations.c.id == name.removeprefix("conversations/")
        )
        if found is None:
            raise ConversationNotFound(name=name)
        return found

    async def find(self, conversation_id: str) -> Conversation | None:
        """The conversation of that id, whosever it is; None when it was deleted."""
        return await self._one(conversations.c.id == conversation_id)

    async def page(self, company: str, wanted: ConversationFilter, after: str | None, size: int) -> list[Conversation]:
        """Up to size conversations after an id, oldest first."""
        query = (
            select(conversations)
            .where(conversations.c.company == company, *_conditions(wanted))
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

    async def events(self, conversation: Conversation, up_to: int | None = None) -> list[Event]:
        """All events in order, or those up to and with a seq."""
        events: list[Event] = []
        while True:
            page = await self._log.read(conversation.id, len(events), _EVENTS_AT_ONCE)
            events += [unpack(stored.payload) for stored in page]
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
            await insert_conversations(conn, self._log, [(conversation, events)])
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
        also: list[tuple[Executable, Mapping[str, object]]] = [(_PROGRESS, _progress(conversation.id, progress))]
        if conversation.batch is not None:
            if progress.state.over:
                also.append((BATCH_IS_OVER, {"of_batch": conversation.batch, "at": progress.at}))
            elif isinstance(events[0].body, AttemptStarted):
                also.append((_BATCH_RUNS, {"of_batch": conversation.batch}))
        if key is not None:
            also.append((_REMEMBER, _remembered(conversation, events, key)))
        append = Append(
            stream=conversation.id,
            expected=events[0].seq,
            events=tuple(NewEvent(event.id, pack(event)) for event in events),
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
        """Remove it with its events for good if it is over; whether it was."""

        async def remove(conn: AsyncConnection) -> bool:
            over = (conversations.c.id == conversation.id) & conversations.c.state.in_(OVER)
            removed = await conn.execute(delete(conversations).where(over).returning(conversations.c.id))
            if removed.first() is None:
                return False
            await self._log.delete(conn, [conversation.id])
            return True

        return await self._db.writer.run(remove)

    async def based_on(self, conversation: Conversation) -> str | None:
        """The name of a conversation that is based on this one; None when there is none."""
        query = (
            select(conversations.c.id)
            .where(conversations.c.company == conversation.company, conversations.c.based_on == conversation.id)
            .limit(1)
        )
        found = await self._db.fetch(query)
        return f"conversations/{found[0].id}" if found else None

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
            conversations.c.state.in_(_RUNNABLE), conversations.c.wanted == Wanted.CANCEL
        )
        return [row.id for row in await self._db.fetch(query) if row.id in running]

    async def _one(self, *conditions: ColumnElement[bool]) -> Conversation | None:
        found = await self._db.fetch(select(conversations).where(*conditions))
        return _conversation(found[0]) if found else None

    async def _all(self, query: Select[Any]) -> list[Conversation]:
        return [_conversation(row) for row in await self._db.fetch(query)]


async def insert_conversations(
    conn: AsyncConnection, event_log: EventLog, created: Sequence[tuple[Conversation, Sequence[Event]]]
) -> None:
    """Store conversations of one company with their first events, in a transaction of the writer's.

    Raises PersonaNotFound, SourceNotFound for one that was deleted since it was looked up.
    """
    own = {c.persona.name.removeprefix("personas/") for c, _ in created if c.persona and not c.persona.built_in}
    used = {c.spec.source.removeprefix("sources/") for c, _ in created if c.spec.source}
    await hold(conn, created[0][0].company, own=own, used=used)
    await conn.execute(insert(conversations), [_row(conversation) for conversation, _ in created])
    streams = [
        NewStream(c.id, c.company, c.batch, tuple(NewEvent(event.id, pack(event)) for event in events))
        for c, events in created
    ]
    await event_log.open_streams(conn, streams)
    announce(conn, TOPIC)


async def let_run(conn: AsyncConnection, condition: ColumnElement[bool]) -> None:
    """Make conversations PENDING that are CREATED."""
    created = conversations.c.state == ConversationState.CREATED
    await conn.execute(update(conversations).where(condition, created).values(state=ConversationState.PENDING))
    announce(conn, TOPIC)


async def ask_to_stop(conn: AsyncConnection, condition: ColumnElement[bool], wanted: Wanted) -> None:
    """Ask whoever runs conversations to stop; the next append of each learns of it. Those that are over are let be."""
    going_on = and_(
        conversations.c.state.not_in(OVER), true() if wanted is Wanted.CANCEL else conversations.c.wanted == ""
    )
    chosen = select(conversations.c.id).where(condition, going_on)
    await conn.execute(update(log.streams).where(log.streams.c.stream.in_(chosen)).values(interrupted=True))
    # A CREATED one becomes a job's, which ends it should its caller not live to do that.
    created = conversations.c.state == ConversationState.CREATED
    state = case((created, ConversationState.PENDING), else_=conversations.c.state)
    await conn.execute(update(conversations).where(condition, going_on).values(wanted=wanted, state=state))
    announce(conn, TOPIC)


async def retry(conn: AsyncConnection, condition: ColumnElement[bool]) -> bool:
    """Make FAILED conversations PENDING again, and their batches RUNNING; not in batches that were cancelled.

    Whether there were any.
    """
    columns = conversations.c
    cancelled = exists().where(batches.c.id == columns.batch, batches.c.wanted != "")
    retried = await conn.execute(
        update(conversations)
        .where(condition, columns.state == ConversationState.FAILED, ~cancelled)
        .values(state=ConversationState.PENDING, wanted="", reason="", detail="", fault="", digest="", end_time=0)
        .returning(columns.id, columns.batch)
    )
    rows = retried.all()
    for start in range(0, len(rows), _RETRIED_AT_ONCE):
        ids = [row.id for row in rows[start : start + _RETRIED_AT_ONCE]]
        await conn.execute(update(log.streams).where(log.streams.c.stream.in_(ids)).values(interrupted=False))
    over = batches.c.state == "COMPLETED"
    of = {row.batch for row in rows if row.batch is not None}
    await conn.execute(update(batches).where(batches.c.id.in_(of), over).values(state="RUNNING", end_time=0))
    announce(conn, TOPIC)
    return bool(rows)


def _remembered(conversation: Conversation, events: Sequence[Event], key: RequestKey) -> dict[str, object]:
    return {
        "company": conversation.company,
        "method": key.method,
        "request_id": key.request_id,
        "digest": key.digest,
        "name": f"{events[0].seq}-{events[-1].seq}",
    }


def _conditions(wanted: ConversationFilter) -> list[ColumnElement[bool]]:
    columns = conversations.c
    pairs = (
        (columns.state, wanted.state),
        (columns.type, wanted.type),
        (columns.batch, wanted.batch.removeprefix("batches/")),
        (columns.procedure, wanted.procedure.removeprefix("procedures/")),
        (columns.source, wanted.source.removeprefix("sources/")),
        (columns.external_id, wanted.external_id),
    )
    return [column == value for column, value in pairs if value]


def _row(conversation: Conversation) -> dict[str, object]:
    spec = conversation.spec
    return {
        "id": conversation.id,
        "company": conversation.company,
        "type": spec.type,
        "state": conversation.state,
        "batch": conversation.batch,
        "batch_index": conversation.index,
        "procedure": spec.procedure.removeprefix("procedures/"),
        "revision": spec.revision,
        "source": spec.source.removeprefix("sources/"),
        "persona": spec.persona.removeprefix("personas/"),
        "based_on": spec.based_on.conversation.removeprefix("conversations/") if spec.based_on else "",
        "external_id": spec.external_id,
        "creator": conversation.creator,
        "max_turns": spec.max_turns,
        "turns": conversation.turns,
        "last_seq": conversation.last_seq,
        "attempt": conversation.attempt,
        "model_calls": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "reason": "",
        "detail": "",
        "fault": "",
        "digest": "",
        "wanted": "",
        "terms": pack_terms(spec, conversation.persona),
        "create_time": conversation.create_time,
        "end_time": 0,
    }


def _progress(conversation_id: str, progress: Progress) -> dict[str, object]:
    fold = progress.fold
    ended = fold.ended
    return {
        "of": conversation_id,
        "new_state": progress.state,
        "new_turns": fold.turns,
        "new_last_seq": fold.last_seq,
        "new_attempt": fold.attempt,
        "new_model_calls": fold.usage.model_calls,
        "new_input_tokens": fold.usage.input_tokens,
        "new_output_tokens": fold.usage.output_tokens,
        "new_reason": ended.reason if ended else "",
        "new_detail": ended.detail if ended else "",
        "new_fault": (ended.fault or "") if ended else "",
        "new_digest": progress.digest,
        "new_end_time": progress.at if ended else 0,
    }


def _conversation(row: Row[tuple[object, ...]]) -> Conversation:
    spec, persona = unpack_terms(row.terms)
    state = ConversationState(row.state)
    ended = None
    if state.over:
        ended = Ended(Outcome(row.state), row.reason, row.detail, Fault(row.fault) if row.fault else None)
    return Conversation(
        id=row.id,
        company=row.company,
        state=state,
        spec=spec,
        persona=persona,
        batch=row.batch,
        index=row.batch_index,
        creator=row.creator,
        create_time=row.create_time,
        turns=row.turns,
        last_seq=row.last_seq,
        attempt=row.attempt,
        usage=Usage(row.model_calls, row.input_tokens, row.output_tokens),
        ended=ended,
        digest=row.digest,
        wanted=Wanted(row.wanted),
        end_time=row.end_time,
    )
