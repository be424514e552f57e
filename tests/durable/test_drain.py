"""SIGTERM during a batch: the process drains and stops its jobs, and the next process finishes them."""

from collections.abc import Mapping
from pathlib import Path

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from greenroom.synthesizer.v1.batch_pb2 import WatchBatchRequest, WatchBatchResponse
from greenroom.synthesizer.v1.batch_pb2_grpc import BatchServiceStub
from tests.durable.synthesizers import Store, synthesizer
from tests.rehearsals import Row, batch_spec, check_undisturbed, feed, import_rehearsal, rows

SERVICE = "greenroom.synthesizer.v1.BatchService"


async def test_a_process_that_is_asked_to_end_drains_and_the_next_one_goes_on(
    store: Store, undisturbed: Mapping[int, Row], tmp_path: Path
) -> None:
    async with (
        synthesizer(store, TERM_AT="commit:300") as (first, client),
        grpc.aio.insecure_channel(first.address) as channel,
    ):
        await import_rehearsal(client, tmp_path)
        batch = (await client.batches.start(batch_spec(), create_only=True)).name
        statuses = HealthStub(channel).Watch(HealthCheckRequest(service=SERVICE))
        watch = BatchServiceStub(channel).WatchBatch(WatchBatchRequest(name=batch))
        async with client.batches.watch(batch) as events:
            await client.batches.run(batch)
            assert [answer.status async for answer in statuses] == [
                HealthCheckResponse.SERVING,
                HealthCheckResponse.NOT_SERVING,
            ]
            messages, broken = await until_it_breaks(watch)
            assert await first.died() == 0
            assert broken.code() is grpc.StatusCode.UNAVAILABLE
            before = await feed(store.url, batch)

            # The first process' client continues its watch with the next process, which has the same port.
            async with synthesizer(store, GREENROOM_PORT=str(first.port)) as (_, other):
                seen = [event.id async for event in events]
                resumed = other.batches.watch(batch, cursor=messages[-1].cursor)
                seen_by_cursor = [event.id for message in messages for event in message.events]
                seen_by_cursor += [event.id async for event in resumed]
                found = await rows(other, batch)

    stored = await feed(store.url, batch)
    assert seen == seen_by_cursor == [event.id for event in stored]
    assert stored[: len(before)] == before
    assert len(before) < len(stored)
    check_undisturbed(found, stored, undisturbed)


async def until_it_breaks(
    watch: "grpc.aio.UnaryStreamCall[WatchBatchRequest, WatchBatchResponse]",
) -> tuple[list[WatchBatchResponse], grpc.aio.AioRpcError]:
    """The messages and the error of a watch that the server ends before the batch is over."""
    messages: list[WatchBatchResponse] = []
    try:
        async for message in watch:
            messages.append(message)  # noqa: PERF401 - a comprehension would lose them with the error
    except grpc.aio.AioRpcError as error:
        return messages, error
    raise AssertionError("the watch ended as if the batch were over")
