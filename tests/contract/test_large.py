"""What is large but allowed: whatever was taken in can be answered with, listed and watched."""

from typing import Any

from greenroom.synthesizer.v1 import batch_pb2
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.type.v1.event_pb2 import Event, Resource, ToolCall
from tests.scripted import Theatre

LARGE = 400_000
"""Bytes: ten of these do not fit into one message."""


def resource(size: int, number: int = 0) -> Resource:
    made = Resource(type="order", id=f"LARGE-{number}")
    made.data.update({"text": "x" * size})
    return made


def call(size: int, call_id: str = "c") -> Event:
    made = Event(tool_call=ToolCall(call_id=call_id, tool="find"))
    made.tool_call.arguments.update({"text": "x" * size})
    return made


async def opened(stage: Theatre, **fields: Any) -> str:
    spec = pb.ConversationSpec(type=pb.CONVERSATION_TYPE_MANUAL, **fields)
    return (await stage.client.conversations.start(spec)).name


async def test_a_conversation_of_large_events_is_watched_and_listed(stage: Theatre) -> None:
    name = await opened(stage, resources=[resource(LARGE)])
    for number in range(12):
        await stage.client.conversations.append(name, [call(LARGE, f"c{number}")])
    await stage.client.conversations.finish(name)

    async with stage.client.conversations.watch(name) as events:
        watched = [event async for event in events]

    assert [event.seq for event in watched] == list(range(1, 15))
    assert watched == await stage.events(name)


async def test_a_batch_of_large_conversations_is_watched_and_listed(stage: Theatre) -> None:
    conversation = stage.spec(persona="", resources=[resource(LARGE)])
    started = await stage.client.batches.start(batch_pb2.BatchSpec(conversation=conversation, size=20))

    async with stage.client.batches.watch(started.name) as events:
        kinds = [event.WhichOneof("kind") async for event in events]

    assert kinds.count("opened") == kinds.count("ended") == 20
    of_batch = pb.ConversationFilter(batch=started.name)
    assert len([one async for one in stage.client.conversations.list(of_batch)]) == 20
