"""Work that uses hints from patterns goes on without them, and is told why there are none."""

import asyncio
from pathlib import Path
from typing import Any

from services.enricher.patterns.model import Found, Generation, Plan, Request
from services.enricher.patterns.operations import Patterns
from services.enricher.patterns.store.generations import GenerationStore
from services.enricher.patterns.store.patterns import PatternStore
from services.enricher.patterns.store.templates import TemplateStore
from shared.auth import Caller
from shared.clock import wall_clock
from shared.db.engine import Database
from shared.db.faults import StoreUnavailable
from shared.db.migrate import migrate

MIGRATIONS = Path(__file__).parents[3] / "services" / "enricher" / "migrations"
ORDERS = Request("domains/shop", "order", hints=("only paid orders",))


class LostStore(PatternStore):
    """A store whose database is gone."""

    async def similar(self, *_: Any, **__: Any) -> list[Found]:
        raise StoreUnavailable


class SilentStore(PatternStore):
    """A store whose database does not answer."""

    async def similar(self, *_: Any, **__: Any) -> list[Found]:
        await asyncio.Event().wait()
        return []


async def test_hints_are_the_patterns_that_are_similar_or_why_there_are_none(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'enricher.db'}"
    await migrate(url, MIGRATIONS)
    db = await Database.open(url)

    def patterns(store: type[PatternStore], seconds: float) -> Patterns:
        return Patterns(GenerationStore(db), store(db), TemplateStore(db), wall_clock, seconds)

    here = patterns(PatternStore, 30)
    made = Generation("", ORDERS, Plan(), True, 0.9, 100, "", "", "", 0)
    recorded = await here.record(Caller("acme", frozenset()), made, None)

    found = await here.hints("acme", ORDERS)
    await here.stop()

    assert ([one.pattern.name for one in found.found], found.missing) == ([recorded.pattern], "")
    assert (await here.pattern("acme", recorded.pattern)).uses == 1
    assert (await here.hints("other", ORDERS)).found == []
    assert "GREENROOM_KNOWLEDGE_SECONDS" in (await patterns(PatternStore, 0).hints("acme", ORDERS)).missing
    assert (await patterns(LostStore, 30).hints("acme", ORDERS)).missing == str(StoreUnavailable())
    assert "longer than 0.01 s" in (await patterns(SilentStore, 0.01).hints("acme", ORDERS)).missing
    await db.close()
