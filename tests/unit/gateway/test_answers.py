"""The answers that are kept of requests with use_cache."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from services.gateway.app import MIGRATIONS
from services.gateway.generations.store import AnswerStore
from shared.db.engine import Database
from shared.db.migrate import migrate


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    await migrate(database_url, MIGRATIONS)
    db = await Database.open(database_url)
    yield db
    await db.close()


async def test_the_first_answer_is_kept_for_its_company_and_the_oldest_make_room(database: Database) -> None:
    ticks = count()
    answers = AnswerStore(database, lambda: next(ticks), most=3, most_bytes=10)

    assert await answers.keep("acme", "a", b"one") == b"one"
    assert await answers.keep("acme", "a", b"two") == b"one"
    assert await answers.get("acme", "a") == b"one"
    assert await answers.get("globex", "a") is None
    assert await answers.keep("globex", "a", b"other") == b"other"

    for digest in "bcd":
        await answers.keep("acme", digest, b"x")
    assert [await answers.get("acme", digest) is not None for digest in "abcd"] == [False, True, True, True]
    # A large one leaves no room for others, but is kept.
    await answers.keep("acme", "e", b"12345678901234567890")
    assert [await answers.get("acme", digest) is not None for digest in "bcde"] == [False, False, False, True]
    assert await answers.get("globex", "a") == b"other"
