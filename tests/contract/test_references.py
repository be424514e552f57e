"""A resource that a conversation refers to cannot be deleted, even if it is deleted while the conversation starts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.synthesizer.batches.errors import BatchStillNeeded
from services.synthesizer.batches.model import Batch, BatchSpec, BatchState
from services.synthesizer.batches.store import STATEMENTS, BatchStore
from services.synthesizer.conversations.errors import ConversationNotFound, StillNeeded
from services.synthesizer.conversations.model import Conversation, ConversationSpec, ConversationState
from services.synthesizer.conversations.store.conversations import ConversationStore
from services.synthesizer.conversations.store.event_cache import EventCache
from services.synthesizer.conversations.store.references import hold
from services.synthesizer.personas.errors import PersonaNotFound
from services.synthesizer.sources.errors import SourceNotFound
from services.synthesizer.sources.store import sources
from services.synthesizer.store import log
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.migrate import migrate
from tests.contract.catalog import refer

MIGRATIONS = Path(__file__).parents[2] / "services" / "synthesizer" / "migrations"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    await migrate(database_url, MIGRATIONS)
    db = await Database.open(database_url)
    yield db
    await db.close()


async def test_the_error_names_what_was_deleted_after_the_lookup(database: Database) -> None:
    with pytest.raises(SourceNotFound, match="sources/gone"):
        await database.writer.run(lambda conn: hold(conn, "acme", own=(), used=["gone"]))
    with pytest.raises(PersonaNotFound, match="personas/gone"):
        await database.writer.run(lambda conn: hold(conn, "acme", own=["gone"], used=()))


async def test_only_a_company_itself_can_refer_to_its_sources(database: Database) -> None:
    texts = {"format": "greenroom", "procedure": "", "digest": ""}
    numbers = {"finished": True, "revision": 0, "event_count": 0, "resource_count": 0, "create_time": 0}
    row = {"id": "s", "company": "acme", "external_id": "s", "document": b"", **texts, **numbers}
    await database.writer.run(lambda conn: conn.execute(sources.insert(), [row]))

    await database.writer.run(lambda conn: hold(conn, "acme", own=(), used=["s"]))

    with pytest.raises(SourceNotFound):
        await database.writer.run(lambda conn: hold(conn, "globex", own=(), used=["s"]))


async def test_a_conversation_that_another_is_based_on_must_exist(database: Database) -> None:
    with pytest.raises(ConversationNotFound, match="conversations/gone"):
        await database.writer.run(lambda conn: hold(conn, "acme", own=(), used=(), bases=["gone"]))

    await refer(database, "acme", id="base")
    await database.writer.run(lambda conn: hold(conn, "acme", own=(), used=(), bases=["base"]))


async def test_a_conversation_or_batch_that_another_conversation_is_based_on_is_not_deleted(database: Database) -> None:
    event_log = EventLog(database, log)
    conversations = ConversationStore(database, event_log, EventCache(), STATEMENTS)
    spec = ConversationSpec()
    base = Conversation("base", "acme", ConversationState.COMPLETED, spec, None, "b", 0, "", 0)
    await refer(database, "acme", id="base", batch="b", state="COMPLETED")
    await refer(database, "acme", id="child", based_on="base")

    with pytest.raises(StillNeeded, match="conversations/child"):
        await conversations.delete(base)
    with pytest.raises(BatchStillNeeded, match="conversations/child"):
        await BatchStore(database, event_log, conversations).delete(
            Batch("b", "acme", BatchState.COMPLETED, BatchSpec(), "", 0)
        )
