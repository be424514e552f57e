"""Work that uses hints from documents goes on without them, and is told why there are none."""

import asyncio
from pathlib import Path

from services.enricher.app import MIGRATIONS
from services.enricher.knowledge.model import Document, DocumentFilter, Match
from services.enricher.knowledge.operations import Knowledge
from services.enricher.knowledge.store.documents import DocumentStore
from shared.auth import Caller
from shared.clock import wall_clock
from shared.compute import Compute
from shared.db.engine import Database
from shared.db.faults import StoreUnavailable
from shared.db.migrate import migrate

LAMP = Document("", "Lamp", (), "lamps.md", "", 7, "", 0)


class LostStore(DocumentStore):
    """A store whose database is gone."""

    async def search(self, company: str, query: str, only: DocumentFilter, limit: int) -> list[Match]:  # noqa: ARG002
        raise StoreUnavailable


class SilentStore(DocumentStore):
    """A store whose database does not answer."""

    async def search(self, company: str, query: str, only: DocumentFilter, limit: int) -> list[Match]:  # noqa: ARG002
        await asyncio.Event().wait()
        return []


async def any_domain(_company: str, _name: str) -> None:
    """Every domain exists."""


async def test_hints_say_what_documents_say_or_why_they_say_nothing(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'enricher.db'}"
    await migrate(url, MIGRATIONS)
    db = await Database.open(url)
    compute = Compute(1, 1 << 30)

    def knowledge(store: type[DocumentStore], seconds: float) -> Knowledge:
        return Knowledge(store(db), compute, any_domain, wall_clock, seconds)

    here = knowledge(DocumentStore, 30)
    await here.add(Caller("acme", frozenset()), [(LAMP, "A lamp.")], None)

    found = await here.hints("acme", "lamps")
    assert ([match.document.source for match in found.matches], found.missing) == (["lamps.md"], "")
    assert (await here.hints("other", "lamps")).matches == []
    assert "GREENROOM_KNOWLEDGE_SECONDS" in (await knowledge(DocumentStore, 0).hints("acme", "lamps")).missing
    assert (await knowledge(LostStore, 30).hints("acme", "lamps")).missing == str(StoreUnavailable())
    assert "longer than 0.01 s" in (await knowledge(SilentStore, 0.01).hints("acme", "lamps")).missing
    await compute.close()
    await db.close()
