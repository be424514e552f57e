"""Damaged pages of an SQLite file are found at start; damage while the server runs is named and ends its health."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import SecretStr

from greenroom.client import Client, GreenroomError
from services.testdata.app import MIGRATIONS
from services.testdata.settings import TestdataSettings
from shared.db.faults import StoreDamaged
from shared.db.opening import open_store
from tests import suite
from tests.datasets import over, short_spec

PAGE = 4096
DATASETS = "greenroom.testdata.v1.TraceDatasetService"


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """The database of a server that made three datasets and stopped."""
    async with suite.testdata_suite("sqlite", tmp_path) as traces:
        for _ in range(3):
            started = await traces.client.traces.datasets.start(short_spec(sessions=1))
            await over(traces.client, started.name)
    return tmp_path / "testdata.db"


def flipped(content: bytes, page: int, first: int, count: int) -> bytes:
    start = page * PAGE + first
    flipped = bytes(byte ^ 0xFF for byte in content[start : start + count])
    return content[:start] + flipped + content[start + count :]


async def test_a_damaged_page_is_named_at_start_with_what_to_do(file: Path, tmp_path: Path) -> None:
    content, found = await asyncio.to_thread(file.read_bytes), 0
    pages = len(content) // PAGE
    for page in range(pages):
        # The first page begins with the header of the file.
        for first, count in ((100 if page == 0 else 0, 16), (16 if page else 116, 64)):
            damaged = tmp_path / "damaged" / "testdata.db"
            shutil.rmtree(damaged.parent, ignore_errors=True)
            damaged.parent.mkdir()
            damaged.write_bytes(flipped(content, page, first, count))
            try:
                db = await open_store(TestdataSettings(data_dir=damaged.parent), "testdata", MIGRATIONS)
            except StoreDamaged as told:
                found += 1
                sentence = str(told)
            else:
                await db.close()
                continue
            assert str(damaged) in sentence
            assert "restore a backup" in sentence
            assert "safe" not in sentence

    # The rest of the bytes is free space of pages.
    assert found > pages


def spoil(file: Path) -> None:
    """Overwrite all pages but the first, below a server that has the file open."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    with file.open("r+b") as content:
        size = content.seek(0, 2)
        content.seek(PAGE)
        content.write(b"\xa5" * (size - PAGE))


async def listed(client: Client) -> None:
    for _ in range(20):
        assert [one async for one in client.traces.datasets.list()]


async def test_damage_while_the_server_runs_is_named_and_ends_its_health(tmp_path: Path) -> None:
    async with suite.testdata_suite("sqlite", tmp_path) as traces:
        await over(traces.client, (await traces.client.traces.datasets.start(short_spec(sessions=1))).name)
        file = tmp_path / "testdata.db"
        spoil(file)

        with pytest.raises(GreenroomError) as told:
            await listed(traces.client)

        assert (told.value.code, told.value.reason) == ("DATA_LOSS", "STORE_DAMAGED")
        assert "testdata.db" in str(told.value)
        assert str(tmp_path) not in str(told.value)
        async with grpc.aio.insecure_channel(traces.address) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=DATASETS))
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_database_with_no_damage_starts_and_the_look_can_be_turned_off(file: Path) -> None:
    for seconds in (0.0, 1e-9, 10.0):
        settings = TestdataSettings(
            data_dir=file.parent, database_check_seconds=seconds, jwt_secret=SecretStr("x" * 32)
        )
        db = await open_store(settings, "testdata", MIGRATIONS)
        await db.close()
