"""Watches and exports of the client lose and repeat nothing when the connection is cut."""

import asyncio
import gc
from collections.abc import AsyncIterator

import grpc
import pytest

import greenroom.client
from greenroom.client import Backoff, GreenroomError
from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1.batch_pb2_grpc import add_BatchServiceServicer_to_server
from greenroom.type.v1.event_pb2 import Event
from tests.contract.client_fakes import Context, CutBatches, Partial, event, serving

AT_ONCE = Backoff(attempts=5, initial=0, maximum=0)
NAME = "batches/one"


async def all_seqs(watch: AsyncIterator[Event]) -> list[int]:
    return [event.seq async for event in watch]


async def test_an_interrupted_watch_resumes_at_its_cursor_and_yields_each_event_once() -> None:
    cuts = [
        (n % 3, status) for n in range(4) for status in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, None)
    ]
    batches = CutBatches(total=50, cuts=cuts)
    async with (
        serving((add_BatchServiceServicer_to_server, batches)) as address,
        greenroom.client.connect(address, retry=AT_ONCE, reconnect=AT_ONCE) as client,
        client.batches.watch(NAME) as watch,
    ):
        seen = await all_seqs(watch)

        assert seen == list(range(1, 51))
        assert watch.summary is not None
        assert watch.summary.name == NAME
        assert len(batches.cursors) == len(cuts) + 1


async def test_a_watch_survives_a_restart_of_the_server() -> None:
    before, after = CutBatches(total=6), CutBatches(total=12)
    waits = _Waits()
    async with serving((add_BatchServiceServicer_to_server, waits)) as address:
        client_context = greenroom.client.connect(address, retry=AT_ONCE, reconnect=Backoff(attempts=100, maximum=0.1))
        client = await client_context.__aenter__()
        watch = client.batches.watch(NAME)
        seen = [(await anext(watch)).seq for _ in range(3)]
    try:
        async with serving((add_BatchServiceServicer_to_server, after), port=int(address.rsplit(":", 1)[1])):
            seen += await all_seqs(watch)
    finally:
        await client_context.__aexit__(None, None, None)

    assert seen == list(range(1, 13))
    assert after.cursors == ["3"]
    assert not before.cursors


class _Waits(Partial):
    """Sends three events, then nothing until its reader disconnects."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def WatchBatch(  # noqa: N802
        self,
        request: pb.WatchBatchRequest,  # noqa: ARG002
        context: Context,  # noqa: ARG002
    ) -> AsyncIterator[pb.WatchBatchResponse]:
        try:
            yield pb.WatchBatchResponse(events=[event(1), event(2), event(3)], cursor="3")
            await asyncio.Event().wait()
        finally:
            self.gone.set()


async def test_leaving_the_block_early_cancels_the_call() -> None:
    waits = _Waits()
    async with (
        serving((add_BatchServiceServicer_to_server, waits)) as address,
        greenroom.client.connect(address) as client,
    ):
        async with client.batches.watch(NAME) as watch:
            async for _ in watch:
                break
            assert not waits.gone.is_set()
        await asyncio.wait_for(waits.gone.wait(), 60)


async def test_breaking_out_of_a_bare_loop_cancels_the_call() -> None:
    waits = _Waits()
    async with (
        serving((add_BatchServiceServicer_to_server, waits)) as address,
        greenroom.client.connect(address) as client,
    ):
        async for _ in client.batches.watch(NAME):
            break
        gc.collect()
        await asyncio.wait_for(waits.gone.wait(), 60)


async def test_cancelling_the_reader_cancels_the_call_and_nothing_else() -> None:
    waits = _Waits()
    async with (
        serving((add_BatchServiceServicer_to_server, waits)) as address,
        greenroom.client.connect(address, retry=AT_ONCE, reconnect=AT_ONCE) as client,
    ):
        watch = client.batches.watch(NAME)
        await anext(watch)
        reader = asyncio.create_task(all_seqs(watch))
        await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await asyncio.wait_for(waits.gone.wait(), 60)


async def test_the_cursor_advances_after_the_last_event_of_a_message() -> None:
    async with (
        serving((add_BatchServiceServicer_to_server, CutBatches(total=6))) as address,
        greenroom.client.connect(address) as client,
        client.batches.watch(NAME) as watch,
    ):
        cursors = [watch.cursor async for _ in watch]
        assert cursors == ["", "", "3", "3", "3", "6"]

        assert await all_seqs(client.batches.watch(NAME, cursor=cursors[2])) == [4, 5, 6]


async def test_a_watch_without_progress_gives_up_with_the_last_error() -> None:
    batches = CutBatches(total=9, cuts=[(0, grpc.StatusCode.UNAVAILABLE)] * 99)
    async with (
        serving((add_BatchServiceServicer_to_server, batches)) as address,
        greenroom.client.connect(address, retry=AT_ONCE) as client,
    ):
        with pytest.raises(GreenroomError, match="cut") as raised:
            await all_seqs(client.batches.watch(NAME))
        assert raised.value.code == "UNAVAILABLE"
        assert len(batches.cursors) == AT_ONCE.attempts


async def test_a_refused_watch_is_not_retried() -> None:
    batches = CutBatches(total=9, cuts=[(1, grpc.StatusCode.OUT_OF_RANGE)] * 99)
    async with (
        serving((add_BatchServiceServicer_to_server, batches)) as address,
        greenroom.client.connect(address) as client,
    ):
        with pytest.raises(GreenroomError) as raised:
            await all_seqs(client.batches.watch(NAME))
        assert raised.value.code == "OUT_OF_RANGE"
        assert len(batches.cursors) == 1


async def test_an_interrupted_export_resumes_at_its_cursor() -> None:
    batches = CutBatches(total=20, cuts=[(3, grpc.StatusCode.UNAVAILABLE)] * 4)
    async with (
        serving((add_BatchServiceServicer_to_server, batches)) as address,
        greenroom.client.connect(address, retry=AT_ONCE, reconnect=AT_ONCE) as client,
    ):
        exported = b"".join([part.chunk async for part in client.batches.export(NAME)])
    assert exported == b"".join(b"%d\n" % n for n in range(1, 21))
    assert batches.cursors == ["", "3", "6", "9", "12"]
