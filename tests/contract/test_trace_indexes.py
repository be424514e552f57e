"""Workflows, datasets and learnings are found by an index that narrows them to what was asked for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.testdata.app import MIGRATIONS
from services.testdata.store.datasets import DatasetStore
from services.testdata.store.learnings import LearningStore
from services.testdata.store.tables import log
from services.testdata.store.workflows import Workflows
from services.testdata.traces.datasets.model import DatasetState
from services.testdata.traces.learning.kept import LearningState
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.migrate import migrate
from tests.contract.plans import plans


class Stores:
    """The stores of an empty database, and how SQLite plans what they ask."""

    def __init__(self, db: Database, path: Path) -> None:
        event_log = EventLog(db, log)
        self.workflows = Workflows(db)
        self.datasets = DatasetStore(db, event_log)
        self.learnings = LearningStore(db, event_log)
        self._path = path

    async def plans(self, ask: Callable[[], Awaitable[object]]) -> str:
        """The plans of all queries that are made."""
        return await plans(self._path, ask)


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    path = tmp_path / "testdata.db"
    url = f"sqlite+aiosqlite:///{path}"
    await migrate(url, MIGRATIONS)
    db = await Database.open(url)
    yield Stores(db, path)
    await db.close()


async def test_a_companys_lists_are_read_from_an_index(stores: Stores) -> None:
    assert "company=? AND name>?" in await stores.plans(lambda: stores.workflows.page("acme", "", 50))

    plan = await stores.plans(lambda: stores.datasets.page("acme", DatasetState.FAILED, "", 50))
    assert "company=? AND state=?" in plan

    plan = await stores.plans(lambda: stores.learnings.page("acme", LearningState.FAILED, "", 50))
    assert "company=? AND state=?" in plan


async def test_what_waits_for_a_job_is_found_among_what_is_not_over(stores: Stores) -> None:
    for waiting in (stores.datasets.waiting, stores.learnings.waiting):
        plan = await stores.plans(lambda waiting=waiting: waiting([]))  # type: ignore[misc]
        assert "(state=?)" in plan, plan


async def test_of_the_running_ones_it_is_asked_which_are_cancelled_and_of_no_others(stores: Stores) -> None:
    for unwanted in (stores.datasets.unwanted, stores.learnings.unwanted):
        plan = await stores.plans(lambda unwanted=unwanted: unwanted(["x/a", "x/b"]))  # type: ignore[misc]
        assert "(id=?)" in plan, plan
