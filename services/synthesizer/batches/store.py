"""The table of batches and its queries. Counts and usage are computed from the conversations when they are read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
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
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.batches.errors import BatchNotFound, BatchStillNeeded
from services.synthesizer.batches.model import Again, Batch, BatchFilter, BatchSpec, BatchState, PersonaShare
from services.synthesizer.conversations.model import OVER, Conversation, ConversationState, Wanted
from services.synthesizer.conversations.store import documents, moves
from services.synthesizer.conversations.store.conversations import ConversationStore
from services.synthesizer.conversations.store.references import based_on
from services.synthesizer.conversations.store.statements import BatchStatements
from services.synthesizer.conversations.store.tables import USAGE, conversations
from services.synthesizer.conversations.store.terms import delete_terms
from services.synthesizer.labels import store as labels
from services.synthesizer.recordings.store import delete_of_batch
from services.synthesizer.sources.model import SourceFilter
from services.synthesizer.store import claim, earlier, log, metadata
from shared.db.documents import load_document
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.lists import newest, total
from shared.lists import Listed, Part
from shared.model.events import NO_USAGE, Event, Usage
from shared.model.spending import BUDGET_REACHED, Budget
from shared.requests import RequestKey

batches = Table(
    "batches",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("state", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("external_id", String, nullable=False),
    # Whose previews its conversations call; 0 if none.
    Column("agent_pull_request", Integer, nullable=False),
    Column("persona_agent_pull_request", Integer, nullable=False),
    Column("creator", String, nullable=False),
    Column("wanted", String, nullable=False),  # "CANCELLED" or ""
    Column("spec", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("end_time", BigInteger, nullable=False),
    Index(None, "company", "id"),
    Index(None, "company", "external_id", "id"),
    Index(None, "company", "state", "id"),
    Index(None, "company", "agent_pull_request", "id"),
    Index(None, "company", "persona_agent_pull_request", "id"),
)

_BATCH = (*batches.c, labels.labels_of(batches.c.id))
_OVER = [state for state in BatchState if state.over]
# A watcher reads it at every end of a conversation.
_STATE = select(batches.c.state).where(batches.c.id == bindparam("wanted_id"))


def _one_of(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """`column IN values`, in a form that executemany accepts."""
    return or_(*(column == value for value in values))


def _out_of_budget(batch: ColumnElement[str]) -> ColumnElement[bool]:
    """True if a conversation of the batch ended because the budget was spent."""
    columns = conversations.c
    ended = columns.state == ConversationState.CANCELLED
    return exists().where(columns.batch == batch, ended, columns.reason == BUDGET_REACHED)


STATEMENTS = BatchStatements(
    runs=update(batches)
    .where(batches.c.id == bindparam("of_batch"), batches.c.state == BatchState.PENDING)
    .values(state=BatchState.RUNNING),
    ends=update(batches)
    .where(
        batches.c.id == bindparam("of_batch"),
        _one_of(batches.c.state, [state for state in BatchState if not state.over]),
        ~exists().where(
            conversations.c.batch == bindparam("of_batch"),
            _one_of(conversations.c.state, [state for state in ConversationState if state not in (*OVER, "OPEN")]),
        ),
    )
    .values(
        # `wanted` is CANCELLED if the batch was cancelled before its last conversation ended.
        state=case(
            (batches.c.wanted != "", batches.c.wanted),
            (_out_of_budget(bindparam("of_batch")), BatchState.CANCELLED),
            else_=BatchState.COMPLETED,
        ),
        end_time=bindparam("at"),
    ),
    resumes=update(batches)
    .where(batches.c.id.in_(bindparam("of_batches", expanding=True)), batches.c.state == BatchState.COMPLETED)
    .values(state=BatchState.RUNNING, end_time=0),
    cancelled=exists().where(
        batches.c.id == conversations.c.batch,
        or_(batches.c.wanted != "", batches.c.state == BatchState.CANCELLED),
    ),
)


class BatchStore:
    """Batches on SQLite or PostgreSQL. Every method is one transaction and raises StoreUnavailable."""

    def __init__(self, db: Database, event_log: EventLog, conversation_store: ConversationStore) -> None:
        self._db = db
        self._log = event_log
        self._conversations = conversation_store

    async def get(self, company: str, name: str) -> Batch:
        """The batch with its counts. Raises BatchNotFound."""
        wanted = select(*_BATCH).where(batches.c.company == company, batches.c.id == name.removeprefix("batches/"))
        found = await self._all(wanted)
        if not found:
            raise BatchNotFound(name=name)
        return found[0]

    async def page(self, company: str, which: BatchFilter, part: Part) -> Listed[Batch]:
        """A part of the batches, newest first."""
        query = select(*_BATCH).where(
            batches.c.company == company,
            *labels.identified(batches.c.external_id, which.external_id, which.external_ids, which.external_id_prefix),
            *labels.having(company, batches.c.id, which.labels),
            *_conditions(which),
        )
        found = await self._all(newest(query, batches.c.id, part))
        return Listed(found, await total(self._db, query, batches.c.id, part, len(found)))

    async def account(self, name: str) -> tuple[Budget | None, Usage]:
        """The budget of a batch of any company, None if it has none, and what its conversations have spent."""
        wanted = select(*_BATCH).where(batches.c.id == name.removeprefix("batches/"))
        found = await self._all(wanted)
        return (found[0].spec.budget, found[0].usage) if found else (None, NO_USAGE)

    async def head(self, batch: Batch) -> int:
        """The position of the last event of the batch's conversations; 0 before the first."""
        return await self._log.head(batch.id)

    async def is_over(self, batch: Batch) -> bool:
        """True if every conversation of the batch is over, or the batch was deleted."""
        found = await self._db.fetch(_STATE, {"wanted_id": batch.id})
        return not found or BatchState(found[0].state).over

    async def prepare(self, some: Sequence[tuple[Conversation, Sequence[Event]]]) -> None:
        """Store the first events of some conversations of a new batch. They are not visible before `create`."""
        await self._db.writer.run(lambda conn: moves.insert_events(conn, self._log, some))

    async def create(
        self,
        batch: Batch,
        created: Sequence[Conversation],
        rest: Sequence[tuple[Conversation, Sequence[Event]]],
        key: RequestKey | None,
    ) -> str:
        """Store the batch and its conversations and return its name, or the name that the same request created before.

        rest: conversations whose first events are not prepared yet. Raises RequestIdReused, PersonaNotFound,
        SourceNotFound.
        """

        async def insert_it(conn: AsyncConnection) -> str:
            made_before = await claim(conn, batch.company, key, batch.name)
            if made_before is not None:
                return made_before
            await conn.execute(insert(batches), [_row(batch)])
            await labels.attach(conn, batch.company, [batch.id], batch.spec.labels)
            await moves.insert_conversations(conn, batch.id, batch.spec.conversation, created)
            await moves.insert_events(conn, self._log, rest)
            return batch.name

        return await self._db.writer.run(insert_it)

    async def abandon(self, batch: Batch) -> None:
        """Delete the prepared events of a batch unless it was created."""
        await self._remove_unless_created(batch.id)

    async def remove_abandoned(self, before: str) -> None:
        """Delete the prepared events of batches that were never created and have ids before this one."""
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
        """The name that the same request created before, or None. Raises RequestIdReused."""
        return await earlier(self._db, company, key)

    async def let_run(self, batch: Batch, first: int) -> None:
        """Make CREATED conversations PENDING, and the batch if it is CREATED. first: by index; 0 for all."""
        columns = conversations.c
        chosen = columns.batch == batch.id
        if first:
            by_index = select(columns.id).where(columns.batch == batch.id).order_by(columns.batch_index).limit(first)
            chosen = columns.id.in_(by_index)

        async def move(conn: AsyncConnection) -> None:
            await conn.execute(
                update(batches)
                .where(batches.c.id == batch.id, batches.c.state == BatchState.CREATED)
                .values(state=BatchState.PENDING)
            )
            await moves.let_run(conn, chosen)

        await self._db.writer.run(move)

    async def cancel(self, batch: Batch) -> None:
        """Ask all conversations to stop, and set `wanted` to CANCELLED unless the batch is over."""

        async def ask(conn: AsyncConnection) -> None:
            # Lock conversations before their batch, as appends do.
            await moves.ask_to_stop(conn, conversations.c.batch == batch.id, Wanted.CANCEL)
            not_over = (batches.c.id == batch.id) & batches.c.state.not_in(_OVER)
            await conn.execute(update(batches).where(not_over).values(wanted=BatchState.CANCELLED))

        await self._db.writer.run(ask)

    async def leave_out(self, batch: Batch) -> None:
        """Ask the CREATED conversations to end as not needed."""
        created = conversations.c.state == ConversationState.CREATED

        async def ask(conn: AsyncConnection) -> None:
            await moves.ask_to_stop(conn, (conversations.c.batch == batch.id) & created, Wanted.LEAVE_OUT)

        await self._db.writer.run(ask)

    async def retry(self, batch: Batch) -> None:
        """Make the FAILED conversations PENDING, and the batch RUNNING if there are any."""

        async def again(conn: AsyncConnection) -> None:
            await moves.retry(conn, conversations.c.batch == batch.id, STATEMENTS)

        await self._db.writer.run(again)

    async def delete(self, batch: Batch) -> bool:
        """Delete the batch with its conversations and events; False if it is not over. Raises BatchStillNeeded."""

        async def remove(conn: AsyncConnection) -> bool:
            if (child := await based_on(conn, batch.company, "batch", batch.id)) is not None:
                raise BatchStillNeeded(name=batch.name, by=child)
            over = (batches.c.id == batch.id) & batches.c.state.in_(_OVER)
            if (await conn.execute(delete(batches).where(over).returning(batches.c.id))).first() is None:
                return False
            await self._log.delete_feed(conn, batch.id)
            await conn.execute(delete(conversations).where(conversations.c.batch == batch.id))
            await delete_terms(conn, batch.id)
            await labels.detach(conn, batch.id)
            await delete_of_batch(conn, batch.company, batch.id)
            return True

        return await self._db.writer.run(remove)

    async def conversations(
        self, batch: Batch, after_index: int, size: int, states: Collection[ConversationState] = ()
    ) -> list[Conversation]:
        """Up to `size` conversations by index, starting after `after_index` (-1 for the first)."""
        return await self._conversations.of_batch(batch.id, after_index, size, states)

    async def ended(self, batch: Batch, after: int, size: int) -> list[tuple[int, Conversation]]:
        """Up to `size` conversations that are over, in the order in which they ended, after a position of the feed."""
        return await self._conversations.ended_in(batch.id, after, size)

    async def _all(self, query: Select[Any]) -> list[Batch]:
        async with self._db.read() as conn:
            found = (await conn.execute(query)).all()
            sums = await _sums(conn, [row.id for row in found])
        return [_batch(row, sums.get(row.id, [])) for row in found]


async def _sums(conn: AsyncConnection, ids: Sequence[str]) -> Mapping[str, list[Row[tuple[Any, ...]]]]:
    """For each batch, one row per state of its conversations with their count and the sums of turns and usage."""
    columns = conversations.c
    query = (
        select(
            columns.batch,
            columns.state,
            func.count().label("conversations"),
            func.sum(columns.turns).label("turns"),
            func.sum(columns.repeats).label("repeats"),
            func.sum(columns.flags).label("flags"),
            func.sum(case((columns.reason == BUDGET_REACHED, 1), else_=0)).label("out_of_budget"),
            *(func.sum(columns[column]).label(column) for column in USAGE),
        )
        .where(columns.batch.in_(ids))
        .group_by(columns.batch, columns.state)
    )
    by_batch: dict[str, list[Row[tuple[Any, ...]]]] = {}
    for row in await conn.execute(query):
        by_batch.setdefault(row[0], []).append(row)
    return by_batch


def _conditions(which: BatchFilter) -> list[ColumnElement[bool]]:
    """The filter as conditions on a row, without external ids and labels."""
    columns = batches.c
    pairs = (
        (columns.state, which.state),
        (columns.agent_pull_request, which.agent_pull_request),
        (columns.persona_agent_pull_request, which.persona_agent_pull_request),
    )
    conditions = [column == value for column, value in pairs if value]
    if which.procedure:
        one, procedure = conversations.c, which.procedure.removeprefix("procedures/")
        played = exists().where(one.batch == columns.id, one.procedure == procedure)
        conditions.append(played.where(one.revision == which.revision) if which.revision else played)
    return conditions


def _row(batch: Batch) -> dict[str, object]:
    return {
        "id": batch.id,
        "company": batch.company,
        "state": batch.state,
        "size": batch.spec.size,
        "external_id": batch.spec.external_id,
        "agent_pull_request": batch.spec.conversation.agent_pull_request,
        "persona_agent_pull_request": batch.spec.conversation.persona_agent_pull_request,
        "creator": batch.creator,
        "wanted": "",
        "spec": _pack_spec(batch.spec),
        "create_time": batch.create_time,
        "end_time": 0,
    }


def _batch(row: Row[tuple[Any, ...]], sums: Sequence[Row[tuple[Any, ...]]]) -> Batch:
    return Batch(
        id=row.id,
        company=row.company,
        state=BatchState(row.state),
        spec=replace(_read_spec(row.spec), labels=labels.split(row.labels)),
        creator=row.creator,
        create_time=row.create_time,
        end_time=row.end_time,
        counts={ConversationState(part.state): part.conversations for part in sums},
        turns=sum(int(part.turns) for part in sums),
        repeats=sum(int(part.repeats) for part in sums),
        flags=sum(int(part.flags) for part in sums),
        usage=Usage(*(sum(int(part._mapping[column]) for part in sums) for column in USAGE)),
        reason=BUDGET_REACHED if any(part.out_of_budget for part in sums) else "",
    )


def _pack_spec(spec: BatchSpec) -> bytes:
    return documents.dump(
        {
            "conversation": documents.spec_json(spec.conversation),
            "sources": spec.sources,
            "source_filter": None if spec.source_filter is None else asdict(spec.source_filter),
            "linked_revisions": spec.linked_revisions,
            "personas": [asdict(share) for share in spec.personas],
            "size": spec.size,
            "max_in_flight": spec.max_in_flight,
            "external_id": spec.external_id,
            "budget": None if spec.budget is None else asdict(spec.budget),
            "again": None if spec.again is None else asdict(spec.again),
        }
    )


def _read_filter(record: Mapping[str, Any]) -> SourceFilter:
    lists = {name: tuple(value) for name, value in record.items() if isinstance(value, list)}
    return SourceFilter(**{**record, **lists})


def _read_spec(document: bytes) -> BatchSpec:
    record = load_document(document)
    source_filter, budget, again = record["source_filter"], record.get("budget"), record.get("again")
    return BatchSpec(
        conversation=documents.read_spec(record["conversation"]),
        sources=tuple(record["sources"]),
        source_filter=None if source_filter is None else _read_filter(source_filter),
        linked_revisions=record["linked_revisions"],
        personas=tuple(PersonaShare(**share) for share in record["personas"]),
        size=record["size"],
        max_in_flight=record.get("max_in_flight", 0),
        external_id=record["external_id"],
        budget=None if budget is None else Budget(**budget),
        again=None if again is None else Again(again["batch"], tuple(again["indexes"])),
    )
