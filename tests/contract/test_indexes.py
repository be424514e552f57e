"""What a company has much of is found by an index that narrows it to what was asked for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.synthesizer.app import MIGRATIONS
from services.synthesizer.batches.model import BatchState
from services.synthesizer.conversations.model import ConversationFilter, ConversationState
from services.synthesizer.recent import Recent
from services.synthesizer.store.batches import BatchStore
from services.synthesizer.store.conversations import ConversationStore
from services.synthesizer.store.references import based_on
from services.synthesizer.store.tables import log
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.migrate import migrate
from tests.contract.plans import plans


class Stores:
    """The stores of an empty database, and how SQLite plans what they ask."""

    def __init__(self, db: Database, path: Path) -> None:
        event_log = EventLog(db, log)
        self.db = db
        self.conversations = ConversationStore(db, event_log, Recent())
        self.batches = BatchStore(db, event_log, self.conversations)
        self._path = path

    async def plans(self, ask: Callable[[], Awaitable[object]]) -> str:
        """The plans of all queries that are made."""
        return await plans(self._path, ask)


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    path = tmp_path / "synthesizer.db"
    url = f"sqlite+aiosqlite:///{path}"
    await migrate(url, MIGRATIONS)
    db = await Database.open(url)
    yield Stores(db, path)
    await db.close()


async def test_conversations_are_listed_by_state_and_external_id_from_an_index(stores: Stores) -> None:
    by_state = ConversationFilter(state=ConversationState.FAILED)
    plan = await stores.plans(lambda: stores.conversations.page("acme", by_state, None, 50))
    assert "company=? AND state=?" in plan

    by_external_id = ConversationFilter(external_id="x")
    plan = await stores.plans(lambda: stores.conversations.page("acme", by_external_id, None, 50))
    assert "company=? AND external_id=?" in plan


async def test_batches_are_listed_by_state_and_external_id_from_an_index(stores: Stores) -> None:
    plan = await stores.plans(lambda: stores.batches.page("acme", BatchState.RUNNING, "", None, 50))
    assert "company=? AND state=?" in plan

    plan = await stores.plans(lambda: stores.batches.page("acme", None, "x", None, 50))
    assert "company=? AND external_id=?" in plan


async def test_who_is_based_on_a_conversation_or_a_batch_is_found_by_an_index(stores: Stores) -> None:
    for column in ("id", "batch"):
        ask = lambda conn, column=column: based_on(conn, "acme", column, "x")  # noqa: E731
        plan = await stores.plans(lambda ask=ask: stores.db.writer.run(ask))  # type: ignore[misc]
        assert "company=? AND based_on=?" in plan, plan


async def test_of_the_running_ones_it_is_asked_which_are_cancelled_and_of_no_others(stores: Stores) -> None:
    plan = await stores.plans(lambda: stores.conversations.cancelled(["a", "b"]))

    assert "(id=?)" in plan
