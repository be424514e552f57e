"""Many watchers of one batch, on two replicas, with connections that break, and watchers that stop reading."""

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from greenroom.client import Backoff, connect
from greenroom.synthesizer.v1.batch_pb2 import WatchBatchRequest
from greenroom.synthesizer.v1.batch_pb2_grpc import BatchServiceStub
from tests.durable.cutting import Hop, hop
from tests.durable.synthesizers import Store, sqlite_store, synthesizer
from tests.rehearsals import batch_spec, feed, import_rehearsal, over

WATCHERS = 20
CUTS = 3
GROWTH = 16 * 1024 * 1024
"""The most bytes that a server may grow by while WATCHERS stall: less than half of what they have not read."""


async def watch(address: str, batch: str) -> list[str]:
    """The ids of a batch's events in the order in which a watcher gets them."""
    # Many attempts, because a connection may be cut before its first message is complete.
    async with connect(address, retry=Backoff(attempts=60)) as client, client.batches.watch(batch) as events:
        return [event.id async for event in events]


async def test_twenty_watchers_that_are_cut_at_random_see_every_event_once_and_in_one_order(
    store: Store, tmp_path: Path
) -> None:
    draw = random.Random(11)
    async with (
        synthesizer(store) as (owner, client),
        synthesizer(store) as (replica, _),
        AsyncExitStack() as stack,
    ):
        await import_rehearsal(client, tmp_path)
        batch = (await client.batches.start(batch_spec(), create_only=True)).name
        hops: list[Hop] = []
        for number in range(WATCHERS):
            limits = [draw.randint(500, 80_000) for _ in range(CUTS)]
            server = replica if number % 2 else owner
            hops.append(await stack.enter_async_context(hop(server.port, limits)))
        watchers = [asyncio.create_task(watch(way.address, batch)) for way in hops]
        await client.batches.run(batch)
        seen = await asyncio.gather(*watchers)

    assert [way.cuts for way in hops] == [CUTS] * WATCHERS
    stored = [event.id for event in await feed(store.url, batch)]
    for ids in seen:
        assert ids == stored


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells how much memory a process holds")
async def test_watchers_that_stall_do_not_slow_the_batch_or_use_the_servers_memory(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)
    # With a large window the transport would buffer everything, and the server would not notice the stall.
    window = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 16 * 1024))
    async with synthesizer(store) as (server, client), grpc.aio.insecure_channel(server.address, window) as channel:
        await import_rehearsal(client, tmp_path)
        await over(client, (await client.batches.start(batch_spec(100))).name)
        batch = (await client.batches.start(batch_spec(300), create_only=True)).name
        stub = BatchServiceStub(channel)
        stalled = [aiter(stub.WatchBatch(WatchBatchRequest(name=batch))) for _ in range(WATCHERS)]
        before = server.resident_bytes()

        await client.batches.run(batch)
        read = [[await anext(messages) for _ in range(3)] for messages in stalled]
        done = await over(client, batch)

        assert done.counts.completed == 300
        assert server.resident_bytes() - before < GROWTH
        # The stalled watcher then gets every event.
        read[0] += [message async for message in stalled[0]]
        ids = [event.id for message in read[0] for event in message.events]
        assert ids == [event.id for event in await feed(store.url, batch)]
