"""Queries of large tables use an index."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.synthesizer.app import MIGRATIONS
from services.synthesizer.batches.model import BatchFilter, BatchState
from services.synthesizer.batches.store import STATEMENTS, BatchStore
from services.synthesizer.conversations.model import ConversationFilter, ConversationState
from services.synthesizer.conversations.store.conversations import ConversationStore
from services.synthesizer.conversations.store.event_cache import EventCache
from services.synthesizer.conversations.store.references import based_on
from services.synthesizer.recordings.model import RecordingFilter
from services.synthesizer.recordings.store import RecordingStore
from services.synthesizer.store import log
from shared.clock import wall_clock
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.migrate import migrate
from shared.lists import Part
from shared.llm.base import Caller
from shared.llm.recorder import Key
from tests.contract.plans import plans

PART = Part(0)
"""Empty, so that the list is counted, too."""


class Stores:
    """The stores of an empty database, and SQLite's plans of their queries."""

    def __init__(self, db: Database, path: Path) -> None:
        event_log = EventLog(db, log)
        self.db = db
        self.conversations = ConversationStore(db, event_log, EventCache(), STATEMENTS)
        self.batches = BatchStore(db, event_log, self.conversations)
        self.recordings = RecordingStore(db, wall_clock, retry_seconds=1)
        self._path = path

    async def plans(self, ask: Callable[[], Awaitable[object]]) -> str:
        """The plans of all queries that `ask` makes."""
        return await plans(self._path, ask)


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    path = tmp_path / "synthesizer.db"
    url = f"sqlite+aiosqlite:///{path}"
    await migrate(url, MIGRATIONS)
    db = await Database.open(url)
    yield Stores(db, path)
    await db.close()


async def test_conversations_are_listed_by_what_filters_name_from_an_index(stores: Stores) -> None:
    by_state = ConversationFilter(state=ConversationState.FAILED)
    plan = await stores.plans(lambda: stores.conversations.page("acme", by_state, PART))
    assert "company=? AND state=?" in plan

    by_preview = ConversationFilter(agent_pull_request=7)
    plan = await stores.plans(lambda: stores.conversations.page("acme", by_preview, PART))
    assert "company=? AND agent_pull_request=?" in plan

    by_revision = ConversationFilter(procedure="procedures/p", revision=2)
    plan = await stores.plans(lambda: stores.conversations.page("acme", by_revision, PART))
    assert "company=? AND procedure=? AND revision=?" in plan

    by_external_id = ConversationFilter(external_id="x")
    plan = await stores.plans(lambda: stores.conversations.page("acme", by_external_id, PART))
    assert "company=? AND external_id=?" in plan


async def test_batches_are_listed_by_what_filters_name_from_an_index(stores: Stores) -> None:
    plan = await stores.plans(lambda: stores.batches.page("acme", BatchFilter(state=BatchState.RUNNING), PART))
    assert "company=? AND state=?" in plan

    plan = await stores.plans(lambda: stores.batches.page("acme", BatchFilter(external_id="x"), PART))
    assert "company=? AND external_id=?" in plan

    by_preview = BatchFilter(persona_agent_pull_request=7)
    plan = await stores.plans(lambda: stores.batches.page("acme", by_preview, PART))
    assert "company=? AND persona_agent_pull_request=?" in plan

    by_revision = BatchFilter(procedure="procedures/p", revision=2)
    plan = await stores.plans(lambda: stores.batches.page("acme", by_revision, PART))
    assert "batch=? AND procedure=? AND revision=?" in plan

    plan = await stores.plans(lambda: stores.batches.page("acme", BatchFilter(labels=("nightly",)), PART))
    assert "labels" in plan
    assert "SCAN labels" not in plan


async def test_conversations_based_on_a_conversation_or_a_batch_are_found_by_an_index(stores: Stores) -> None:
    for column in ("id", "batch"):
        ask = lambda conn, column=column: based_on(conn, "acme", column, "x")  # noqa: E731
        plan = await stores.plans(lambda ask=ask: stores.db.writer.run(ask))  # type: ignore[misc]
        assert "company=? AND based_on=?" in plan, plan


async def test_recordings_are_found_by_their_place_and_listed_by_batch_from_an_index(stores: Stores) -> None:
    key = Key(7, 0, 3, 0, "digest")
    plan = await stores.plans(lambda: stores.recordings.newest("acme", key))
    assert "company=? AND seed=? AND batch_index=? AND seq=? AND digest=?" in plan
    plan = await stores.plans(lambda: stores.recordings.nearest("acme", key))
    assert "company=? AND seed=? AND batch_index=? AND seq=?" in plan

    plan = await stores.plans(lambda: stores.recordings.own(Caller("acme", "", "conversations/one"), key))
    assert "company=? AND conversation=? AND attempt=?" in plan

    plan = await stores.plans(lambda: stores.recordings.page("acme", RecordingFilter("batches/one"), PART))
    assert "company=? AND batch=?" in plan


async def test_the_query_for_cancelled_conversations_reads_only_the_running_ones(stores: Stores) -> None:
    plan = await stores.plans(lambda: stores.conversations.cancelled(["a", "b"]))

    assert "(id=?)" in plan
