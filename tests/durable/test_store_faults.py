"""A store fails during a batch: the service reports it, loses nothing, and continues by itself."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from greenroom.client import Backoff, GreenroomError, connect
from tests.disks import full, small_disk
from tests.durable.gate import Gate
from tests.durable.synthesizers import sqlite_store
from tests.postgres import PostgresServer, private_postgres
from tests.rehearsals import Row, batch_spec, check_undisturbed, feed, import_rehearsal, over, rows
from tests.suite import suite

SERVICE = "greenroom.synthesizer.v1.BatchService"
ONCE = Backoff(attempts=1)


async def rehearse_through(
    fault: AbstractAsyncContextManager[None],
    url: str,
    folder: Path,
    undisturbed: Mapping[int, Row],
    **settings: Any,
) -> int:
    """Let the fault happen in the middle of a batch, and check the service's promises; returns the model calls."""
    gate = Gate(calls=300)
    async with (
        suite(url, folder, model=gate.model, **settings) as greenroom,
        grpc.aio.insecure_channel(greenroom.address) as channel,
        connect(greenroom.address, retry=ONCE) as hasty,
    ):
        client = greenroom.client
        await import_rehearsal(client, folder)
        batch = (await client.batches.start(batch_spec())).name
        await gate.reached.wait()
        stored = await feed(url, batch)
        statuses = aiter(HealthStub(channel).Watch(HealthCheckRequest(service=SERVICE)))
        assert (await anext(statuses)).status == HealthCheckResponse.SERVING

        async with fault:
            gate.open()
            assert (await anext(statuses)).status == HealthCheckResponse.NOT_SERVING
            with pytest.raises(GreenroomError) as refused:
                await hasty.batches.start(batch_spec())
            assert (refused.value.code, refused.value.reason) == ("UNAVAILABLE", "STORE_UNAVAILABLE")

        assert (await anext(statuses)).status == HealthCheckResponse.SERVING
        await over(client, batch)
        found = await rows(client, batch)
    events = await feed(url, batch)
    assert events[: len(stored)] == stored
    check_undisturbed(found, events, undisturbed)
    return gate.asked


def calls_of(undisturbed: Mapping[int, Row]) -> int:
    """The number of model calls without any accident."""
    return sum(row.model_calls for row in undisturbed.values())


@asynccontextmanager
async def locked(database: Path) -> AsyncIterator[None]:
    """Another process holds the write lock."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30, check_same_thread=False)) as intruder:
        await asyncio.to_thread(intruder.execute, "BEGIN EXCLUSIVE")
        yield
        intruder.rollback()


@asynccontextmanager
async def without_room(database: Path) -> AsyncIterator[None]:
    """The disk of the database is full, and its write-ahead log has no free pages that the batch could use."""
    with closing(sqlite3.connect(database, timeout=30)) as outside:
        assert outside.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    async with full(database.parent):
        yield


@asynccontextmanager
async def stopped(server: PostgresServer) -> AsyncIterator[None]:
    """The database server crashes, and starts again."""
    await asyncio.to_thread(server.stop, "immediate")
    yield
    await asyncio.to_thread(server.start)


async def test_a_batch_survives_a_locked_database(tmp_path: Path, undisturbed: Mapping[int, Row]) -> None:
    fault, url = locked(tmp_path / "synthesizer.db"), sqlite_store(tmp_path).url
    asked = await rehearse_through(fault, url, tmp_path, undisturbed, database_lock_seconds=0.2)
    assert asked == calls_of(undisturbed), "what a model had answered was thrown away"


async def test_a_batch_survives_a_full_disk(tmp_path: Path, undisturbed: Mapping[int, Row]) -> None:
    with small_disk(tmp_path, "16m") as disk:
        fault, url = without_room(disk / "synthesizer.db"), sqlite_store(disk).url
        asked = await rehearse_through(fault, url, disk, undisturbed)
    assert asked == calls_of(undisturbed), "what a model had answered was thrown away"


async def test_a_batch_survives_a_crash_of_the_database_server(tmp_path: Path, undisturbed: Mapping[int, Row]) -> None:
    server = private_postgres()
    try:
        server.start()
        await rehearse_through(stopped(server), server.create_database(), tmp_path, undisturbed)
        server.stop("immediate")
    finally:
        server.remove()
