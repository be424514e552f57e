"""What happens to many conversations in one transaction: they are stored, let run, asked to stop, and retried."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, case, exists, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.conversations.model import OVER, Conversation, ConversationSpec, ConversationState, Wanted
from services.synthesizer.store.conversation_rows import conversation_row
from services.synthesizer.store.references import hold
from services.synthesizer.store.shared_terms import insert_terms
from services.synthesizer.store.tables import batches, conversations, log
from shared.db.eventlog import EventLog, NewEvent, NewStream
from shared.db.topics import announce
from shared.engine.jobs import TOPIC
from shared.model.events import Event, pack

_RETRIED_AT_ONCE = 500
_INSERTED_AT_ONCE = 500


async def insert_events(
    conn: AsyncConnection, event_log: EventLog, created: Sequence[tuple[Conversation, Sequence[Event]]]
) -> None:
    """Store the first events of conversations; nobody finds them before `insert_conversations`."""
    streams = [
        NewStream(c.id, c.company, c.batch, tuple(NewEvent(event.id, pack(event)) for event in events))
        for c, events in created
    ]
    await event_log.open_streams(conn, streams)


async def insert_conversations(
    conn: AsyncConnection, owner: str, terms: ConversationSpec, created: Sequence[Conversation]
) -> None:
    """Store the conversations of a batch, or one that stands alone, for everybody to see, and with their terms.

    owner: the batch's id, or the conversation's. terms: the spec, or what it has in common with the batch's others.
    Raises PersonaNotFound, SourceNotFound, ConversationNotFound for one that was deleted since it was looked up.
    """
    company = created[0].company
    personas = {one.persona.name: one.persona for one in created if one.persona is not None}
    own = {persona.name.removeprefix("personas/") for persona in personas.values() if not persona.built_in}
    used = {one.spec.source.removeprefix("sources/") for one in created if one.spec.source}
    based_on = (one.spec.based_on.conversation for one in created if one.spec.based_on is not None)
    bases = {name.removeprefix("conversations/") for name in based_on}
    await hold(conn, company, own=own, used=used, bases=bases)
    await insert_terms(conn, company, owner, terms, personas.values())
    for start in range(0, len(created), _INSERTED_AT_ONCE):
        some = created[start : start + _INSERTED_AT_ONCE]
        await conn.execute(insert(conversations), [conversation_row(conversation) for conversation in some])
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
    # A CREATED one becomes a job's, which ends it if its caller does not.
    created = conversations.c.state == ConversationState.CREATED
    state = case((created, ConversationState.PENDING), else_=conversations.c.state)
    await conn.execute(update(conversations).where(condition, going_on).values(wanted=wanted, state=state))
    announce(conn, TOPIC)


async def retry(conn: AsyncConnection, condition: ColumnElement[bool]) -> bool:
    """Make FAILED conversations PENDING again, and their batches RUNNING; not in batches that were cancelled.

    Whether there were any.
    """
    columns = conversations.c
    failed = and_(condition, columns.state == ConversationState.FAILED)
    # In the order in which appends lock: from here on no ending goes by what its batch was before the retry.
    for key, of in ((log.streams.c.stream, columns.id), (log.feeds.c.feed, columns.batch)):
        await conn.execute(select(key).where(key.in_(select(of).where(failed))).order_by(key).with_for_update())
    cancelled = exists().where(batches.c.id == columns.batch, batches.c.wanted != "")
    retried = await conn.execute(
        update(conversations)
        .where(failed, ~cancelled)
        .values(state=ConversationState.PENDING, wanted="", reason="", detail="", fault="", digest="", end_time=0)
        .returning(columns.id, columns.batch)
    )
    rows = retried.all()
    for start in range(0, len(rows), _RETRIED_AT_ONCE):
        ids = [row.id for row in rows[start : start + _RETRIED_AT_ONCE]]
        await conn.execute(update(log.streams).where(log.streams.c.stream.in_(ids)).values(interrupted=False))
    over = batches.c.state == "COMPLETED"
    resumed = {row.batch for row in rows if row.batch is not None}
    await conn.execute(update(batches).where(batches.c.id.in_(resumed), over).values(state="RUNNING", end_time=0))
    announce(conn, TOPIC)
    return bool(rows)
