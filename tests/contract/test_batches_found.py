"""Stored batches: requested twice, found, read page by page, deleted."""

import asyncio

from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2
from shared.rpc.cursors import encode_token
from tests.contract.batches import over, play, results, sources, spec
from tests.scripted import Theatre, refused

Batch = pb.Batch


async def test_the_same_request_returns_the_first_result_and_another_is_refused(stage: Theatre) -> None:
    wanted = spec(stage)
    first = await stage.client.batches.start(wanted, create_only=True, request_id="batch-twice")

    assert await stage.client.batches.start(wanted, create_only=True, request_id="batch-twice") == first
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await stage.client.batches.start(wanted, request_id="batch-twice")

    other = spec(stage)
    at_once = [stage.client.batches.start(other, create_only=True, request_id="batches-at-once") for _ in range(5)]
    assert len({batch.name for batch in await asyncio.gather(*at_once)}) == 1


async def test_a_repeated_request_fails_when_its_result_was_deleted(stage: Theatre) -> None:
    wanted = spec(stage, size=1)
    first = await stage.client.batches.start(wanted, request_id="batch-then-gone")
    await over(stage, first.name)
    await stage.client.batches.delete(first.name)

    async with refused("FAILED_PRECONDITION", "REQUEST_RESULT_DELETED") as errors:
        await stage.client.batches.start(wanted, request_id="batch-then-gone")
    assert first.name in str(errors[0])


async def test_batches_are_found_by_state_and_external_id(stage: Theatre) -> None:
    start, list_ = stage.client.batches.start, stage.client.batches.list
    one = await start(spec(stage, external_id="found"), create_only=True)
    two = await start(spec(stage, external_id="found"), create_only=True)

    assert [batch.name async for batch in list_(external_id="found")] == [two.name, one.name]
    created = [batch.name async for batch in list_(state=Batch.STATE_CREATED, external_id="found")]
    assert created == [two.name, one.name]
    assert [batch async for batch in list_(state=Batch.STATE_CANCELLED, external_id="found")] == []
    found = stage.client.conversations.list(conversation_pb2.ConversationFilter(batch=one.name))
    assert [conversation.index async for conversation in found] == [3, 2, 1, 0]


async def test_results_come_page_by_page(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage, size=5), create_only=True)
    stub = stage.client.batches._stub

    first = await stub.ListBatchResults(pb.ListBatchResultsRequest(batch=created.name, page_size=3))
    token = first.next_page_token
    rest = await stub.ListBatchResults(pb.ListBatchResultsRequest(batch=created.name, page_size=3, page_token=token))

    assert [row.index for row in (*first.results, *rest.results)] == [0, 1, 2, 3, 4]
    assert rest.next_page_token == ""


async def test_a_deleted_batch_leaves_none_of_its_rows_behind(stage: Theatre) -> None:
    [source] = await sources(stage, "of-batch", 1)
    done = await play(stage, sources=[source])
    [row, *_] = await results(stage, done.name)
    async with refused("FAILED_PRECONDITION", "CONVERSATION_REFERENCED"):
        await stage.client.conversations.delete(row.conversation)
    async with refused("FAILED_PRECONDITION", "STILL_REFERRED_TO") as errors:
        await stage.client.sources.delete(source)
    assert done.name in str(errors[0])

    await stage.client.batches.delete(done.name)

    async with refused("NOT_FOUND", "BATCH_NOT_FOUND"):
        await stage.client.batches.get(done.name)
    async with refused("NOT_FOUND", "BATCH_NOT_FOUND"):
        await over(stage, done.name)
    async with refused("NOT_FOUND", "CONVERSATION_NOT_FOUND"):
        await stage.events(row.conversation)
    await stage.client.sources.delete(source)


async def test_a_batch_that_is_not_over_or_is_a_base_is_not_deleted(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage), create_only=True)
    async with refused("FAILED_PRECONDITION", "BATCH_NOT_OVER"):
        await stage.client.batches.delete(created.name)

    done = await play(stage)
    [row, *_] = await results(stage, done.name)
    child = await stage.play(based_on=conversation_pb2.BasedOn(conversation=row.conversation, seq=1))
    async with refused("FAILED_PRECONDITION", "BATCH_REFERENCED") as errors:
        await stage.client.batches.delete(done.name)
    assert child.name in str(errors[0])


async def test_cursors_of_other_batches_and_beyond_the_end_are_refused(stage: Theatre) -> None:
    one, other = await play(stage, size=1), await play(stage, size=1)
    watched = stage.client.batches.watch(one.name)
    seen = [event async for event in watched]

    for name, cursor, code, reason in (
        (other.name, watched.cursor, "INVALID_ARGUMENT", "CURSOR_FOREIGN"),
        (one.name, "nonsense", "INVALID_ARGUMENT", "CURSOR_MALFORMED"),
        (one.name, encode_token("batches.watch", one.name, len(seen) + 1), "OUT_OF_RANGE", "CURSOR_EXPIRED"),
    ):
        async with refused(code, reason):
            await anext(stage.client.batches.watch(name, cursor=cursor))
    assert [event async for event in stage.client.batches.watch(one.name, cursor=watched.cursor)] == []
