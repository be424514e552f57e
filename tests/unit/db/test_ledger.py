"""A request that is sent again gets its first result."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.engine import Database
from shared.db.ledger import RequestIdReused, claim
from shared.requests import RequestKey
from tests.unit.db.conftest import REQUESTS


async def _claim(db: Database, digest: str, name: str, company: str = "acme", method: str = "Start") -> str | None:
    async def work(conn: AsyncConnection) -> str | None:
        return await claim(REQUESTS, conn, company, RequestKey(method, "r1", digest), name)

    return await db.writer.run(work)


async def test_a_request_sent_again_gets_its_first_result(database: Database) -> None:
    assert await _claim(database, "d1", "batches/1") is None
    assert await _claim(database, "d1", "batches/2") == "batches/1"


async def test_a_request_id_with_other_content_is_refused(database: Database) -> None:
    await _claim(database, "d1", "batches/1")

    with pytest.raises(RequestIdReused) as refused:
        await _claim(database, "d2", "batches/2")

    assert refused.value.code == "ALREADY_EXISTS"
    assert await _claim(database, "d1", "batches/3") == "batches/1"


async def test_request_ids_belong_to_a_company_and_a_method(database: Database) -> None:
    assert await _claim(database, "d1", "batches/1") is None
    assert await _claim(database, "d2", "batches/2", company="other") is None
    assert await _claim(database, "d3", "batches/3", method="Import") is None


async def test_of_two_equal_requests_at_once_on_two_replicas_one_is_first(
    database: Database, replica: Database
) -> None:
    answers = await asyncio.gather(_claim(database, "d1", "batches/1"), _claim(replica, "d1", "batches/2"))

    assert sorted(answers, key=str) in (
        [None, "batches/1"],
        [None, "batches/2"],
        ["batches/1", None],
        ["batches/2", None],
    )
