"""Queries of workflows, datasets and learnings use an index."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.testdata.app import MIGRATIONS
from services.testdata.datasets.store import DatasetStore
from services.testdata.learnings.store import LEARNINGS, LearningStore
from services.testdata.store import log
from services.testdata.workflows.store import WorkflowStore
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.migrate import migrate
from shared.lists import Part
from shared.work.model import State
from tests.contract.plans import plans

PART = Part(0)
"""Empty, so that the list is counted, too."""


class Stores:
    """The stores of an empty database, and SQLite's plans of their queries."""

    def __init__(self, db: Database, path: Path) -> None:
        event_log = EventLog(db, log)
        self.workflows = WorkflowStore(db)
        self.datasets = DatasetStore(db, event_log)
        self.learnings = LearningStore(LEARNINGS, db, event_log)
        self._path = path

    async def plans(self, ask: Callable[[], Awaitable[object]]) -> str:
        """The plans of all queries that `ask` makes."""
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
    plan = await stores.plans(lambda: stores.workflows.page("acme", Part(50, "shop", 1)))
    assert "ix_workflows_company_create_time_name (company=?" in plan
    assert "TEMP B-TREE" not in plan

    plan = await stores.plans(lambda: stores.datasets.page("acme", State.FAILED, PART))
    assert "company=? AND state=?" in plan

    plan = await stores.plans(lambda: stores.learnings.page("acme", State.FAILED, PART))
    assert "company=? AND state=?" in plan


async def test_the_query_for_waiting_jobs_reads_only_work_that_is_not_over(stores: Stores) -> None:
    for waiting in (stores.datasets.waiting, stores.learnings.waiting):
        plan = await stores.plans(lambda waiting=waiting: waiting([]))  # type: ignore[misc]
        assert "(state=?)" in plan, plan


async def test_the_query_for_cancelled_work_reads_only_the_running_work(stores: Stores) -> None:
    for unwanted in (stores.datasets.unwanted, stores.learnings.unwanted):
        plan = await stores.plans(lambda unwanted=unwanted: unwanted(["x/a", "x/b"]))  # type: ignore[misc]
        assert "(id=?)" in plan, plan
