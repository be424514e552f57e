"""Changes of one or many conversations in a transaction: insert, run, ask to stop, retry."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, case, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.conversations.model import OVER, Conversation, ConversationSpec, ConversationState, Wanted
from services.synthesizer.conversations.store.references import hold
from services.synthesizer.conversations.store.rows import conversation_row
from services.synthesizer.conversations.store.statements import BatchStatements
from services.synthesizer.conversations.store.tables import conversations, resource_uses
from services.synthesizer.conversations.store.terms import insert_terms
from services.synthesizer.resource_sets.model import split_name
from services.synthesizer.store import log
from shared.db.eventlog import EventLog, NewEvent, NewStream
from shared.db.topics import announce
from shared.engine.jobs import TOPIC
from shared.model.events import Event, pack

_RETRIED_AT_ONCE = 500
_INSERTED_AT_ONCE = 500


async def insert_events(
    conn: AsyncConnection, event_log: EventLog, created: Sequence[tuple[Conversation, Sequence[Event]]]
) -> None:
    """Store the first events of conversations. They are not visible before `insert_conversations`."""
    streams = [
        NewStream(c.id, c.company, c.batch, tuple(NewEvent(event.id, pack(event)) for event in events))
        for c, events in created
    ]
    await event_log.open_streams(conn, streams)


async def insert_conversations(
    conn: AsyncConnection, owner: str, terms: ConversationSpec, created: Sequence[Conversation]
) -> None:
    """Store the rows and terms of a batch's conversations, or of a single one.

    owner: the id of the batch or of the single conversation. terms: the spec, or the part that the batch shares.
    Raises the NotFound error of what was deleted since it was looked up.
    """
    company = created[0].company
    personas = {one.persona.name: one.persona for one in created if one.persona is not None}
    own = {persona.name.removeprefix("personas/") for persona in personas.values() if not persona.built_in}
    used = {one.spec.source.removeprefix("sources/") for one in created if one.spec.source}
    based_on = (one.spec.based_on.conversation for one in created if one.spec.based_on is not None)
    bases = {name.removeprefix("conversations/") for name in based_on}
    revisions = {
        (one.spec.procedure.removeprefix("procedures/"), one.spec.revision) for one in created if one.spec.procedure
    }
    sets = {split_name(name)[0] for name in terms.mock_resources}
    await hold(conn, company, own=own, used=used, bases=bases, revisions=revisions, sets=sets)
    if sets:
        of_batch = created[0].batch is not None
        uses = [{"owner": owner, "resource_set": key, "company": company, "batch": of_batch} for key in sorted(sets)]
        await conn.execute(insert(resource_uses), uses)
    await insert_terms(conn, company, owner, terms, personas.values())
    for start in range(0, len(created), _INSERTED_AT_ONCE):
        some = created[start : start + _INSERTED_AT_ONCE]
        await conn.execute(insert(conversations), [conversation_row(conversation) for conversation in some])
    announce(conn, TOPIC)


async def let_run(conn: AsyncConnection, condition: ColumnElement[bool]) -> None:
    """Make CREATED conversations PENDING."""
    created = conversations.c.state == ConversationState.CREATED
    await conn.execute(update(conversations).where(condition, created).values(state=ConversationState.PENDING))
    announce(conn, TOPIC)


async def ask_to_stop(conn: AsyncConnection, condition: ColumnElement[bool], wanted: Wanted) -> None:
    """Ask conversations to stop unless they are over. Their next append raises StreamInterrupted."""
    not_over = and_(
        conversations.c.state.not_in(OVER), true() if wanted is Wanted.CANCEL else conversations.c.wanted == ""
    )
    chosen = select(conversations.c.id).where(condition, not_over)
    await conn.execute(update(log.streams).where(log.streams.c.stream.in_(chosen)).values(interrupted=True))
    # A CREATED one becomes PENDING, so that a job closes it if the caller does not.
    created = conversations.c.state == ConversationState.CREATED
    state = case((created, ConversationState.PENDING), else_=conversations.c.state)
    await conn.execute(update(conversations).where(condition, not_over).values(wanted=wanted, state=state))
    announce(conn, TOPIC)


async def retry(conn: AsyncConnection, condition: ColumnElement[bool], batch: BatchStatements) -> bool:
    """Make FAILED conversations PENDING and their batches RUNNING, except in cancelled batches. True if any was."""
    columns = conversations.c
    failed = and_(condition, columns.state == ConversationState.FAILED)
    # Lock streams before feeds, as appends do. An end that is stored later sees the retried batch.
    for key, of in ((log.streams.c.stream, columns.id), (log.feeds.c.feed, columns.batch)):
        await conn.execute(select(key).where(key.in_(select(of).where(failed))).order_by(key).with_for_update())
    retried = await conn.execute(
        update(conversations)
        .where(failed, ~batch.cancelled)
        .values(state=ConversationState.PENDING, wanted="", reason="", detail="", fault="", digest="", end_time=0)
        .returning(columns.id, columns.batch)
    )
    rows = retried.all()
    for start in range(0, len(rows), _RETRIED_AT_ONCE):
        ids = [row.id for row in rows[start : start + _RETRIED_AT_ONCE]]
        await conn.execute(update(log.streams).where(log.streams.c.stream.in_(ids)).values(interrupted=False))
    await conn.execute(batch.resumes, {"of_batches": sorted({row.batch for row in rows if row.batch is not None})})
    announce(conn, TOPIC)
    return bool(rows)
