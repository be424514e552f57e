"""Stored conversations: requested twice, found, read page by page, deleted."""

import asyncio
from typing import Any

from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.type.v1.event_pb2 import Event
from tests.scripted import State, Theatre, refused, source_line


async def test_the_same_request_returns_the_first_result_and_another_is_refused(stage: Theatre) -> None:
    conversations, spec = stage.client.conversations, stage.spec()
    first = await conversations.start(spec, create_only=True, request_id="start-twice")

    again = await conversations.start(spec, create_only=True, request_id="start-twice")

    assert again == first
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await conversations.start(spec, request_id="start-twice")


async def test_a_repeated_request_fails_when_its_result_was_deleted(stage: Theatre) -> None:
    [source] = await stage.import_sources(source_line("gone-later"))
    spec = stage.spec(source=source)
    first = await stage.client.conversations.start(spec, request_id="then-gone")
    await stage.over(first.name)
    await stage.client.conversations.delete(first.name)
    await stage.client.sources.delete(source)

    async with refused("FAILED_PRECONDITION", "REQUEST_RESULT_DELETED") as errors:
        await stage.client.conversations.start(spec, request_id="then-gone")
    assert first.name in str(errors[0])


async def test_many_at_once_with_one_request_id_make_one_conversation(stage: Theatre) -> None:
    spec = stage.spec()
    start = stage.client.conversations.start

    started = await asyncio.gather(*(start(spec, create_only=True, request_id="at-once") for _ in range(8)))

    assert len({one.name for one in started}) == 1


async def test_conversations_are_listed_by_every_filter(stage: Theatre) -> None:
    list_, make = stage.client.conversations.list, stage.client.conversations.start
    [source] = await stage.import_sources(source_line("filtered"))
    one = await make(stage.spec(source=source, external_id="found-1"), create_only=True)
    two = await make(stage.spec(external_id="found-2"), create_only=True)
    manual = await make(pb.ConversationSpec(type=pb.CONVERSATION_TYPE_MANUAL, external_id="found-3"))

    async def names(**narrowed: Any) -> set[str]:
        return {found.name async for found in list_(pb.ConversationFilter(**narrowed))} & {
            *(one.name, two.name, manual.name)
        }

    assert await names() == {one.name, two.name, manual.name}
    assert await names(external_id="found-2") == {two.name}
    assert await names(source=source) == {one.name}
    assert await names(procedure=stage.procedure) == {one.name, two.name}
    assert await names(type=pb.CONVERSATION_TYPE_MANUAL) == {manual.name}
    assert await names(state=State.STATE_CREATED) == {one.name, two.name}
    assert await names(state=State.STATE_OPEN) == {manual.name}
    assert await names(batch="batches/none") == set()
    assert await names(source=source, state=State.STATE_OPEN) == set()


async def test_lists_come_page_by_page_newest_first_and_say_how_many_there_are(stage: Theatre) -> None:
    made = [
        (await stage.client.conversations.start(stage.spec(external_id="paged"), create_only=True)).name
        for _ in range(3)
    ]
    which = pb.ConversationFilter(external_id="paged")
    stub = stage.client.conversations._stub  # the client hides pages

    first = await stub.ListConversations(pb.ListConversationsRequest(filter=which, page_size=2))
    rest = await stub.ListConversations(
        pb.ListConversationsRequest(filter=which, page_size=2, page_token=first.next_page_token)
    )

    assert [one.name for one in (*first.conversations, *rest.conversations)] == made[::-1]
    assert rest.next_page_token == ""
    assert (first.total_size, rest.total_size) == (3, 0)


async def test_events_come_page_by_page(stage: Theatre) -> None:
    done = await stage.play()
    stub = stage.client.conversations._stub
    events: list[Event] = []
    token = ""
    while True:
        page = await stub.ListEvents(pb.ListEventsRequest(conversation=done.name, page_size=2, page_token=token))
        assert 1 <= len(page.events) <= 2
        events += page.events
        token = page.next_page_token
        if not token:
            break

    assert events == await stage.events(done.name)


async def test_what_a_conversation_refers_to_is_not_deleted(stage: Theatre) -> None:
    [source] = await stage.import_sources(source_line("needed"))
    own = await stage.client.personas.create(await stage.client.personas.get("personas/busy-bob"))
    done = await stage.play(source=source, persona=own.name)

    async with refused("FAILED_PRECONDITION", "STILL_REFERRED_TO") as errors:
        await stage.client.sources.delete(source)
    assert done.name in str(errors[0])
    async with refused("FAILED_PRECONDITION", "STILL_REFERRED_TO") as errors:
        await stage.client.personas.delete(own.name)
    assert done.name in str(errors[0])

    await stage.client.conversations.delete(done.name)
    await stage.client.sources.delete(source)
    await stage.client.personas.delete(own.name)


async def test_a_conversation_that_is_over_is_deleted_with_its_events(stage: Theatre) -> None:
    done = await stage.play()

    await stage.client.conversations.delete(done.name)

    for gone in (
        lambda: stage.client.conversations.get(done.name),
        lambda: stage.events(done.name),
        lambda: stage.over(done.name),
        lambda: stage.client.conversations.delete(done.name),
    ):
        async with refused("NOT_FOUND", "CONVERSATION_NOT_FOUND"):
            await gone()


async def test_one_that_is_not_over_is_not_deleted(stage: Theatre) -> None:
    created = await stage.client.conversations.start(stage.spec(), create_only=True)

    async with refused("FAILED_PRECONDITION", "CONVERSATION_NOT_OVER"):
        await stage.client.conversations.delete(created.name)
