"""Large but valid resources: a resource that was accepted can also be read, listed and watched."""

from typing import Any

import pytest

from greenroom.synthesizer.v1 import batch_pb2
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.synthesizer.v1.tool_config_pb2 import ToolConfig
from greenroom.type.v1.event_pb2 import Event, Resource, ToolCall
from services.synthesizer.conversations.messages import MAX_EVENTS
from services.synthesizer.conversations.model import MAX_PART
from tests.scripted import Theatre, kinds, refused, source_line

LARGE = 400_000
"""Bytes: ten of these do not fit into one message."""


def resource(size: int, number: int = 0) -> Resource:
    made = Resource(type="order", id=f"LARGE-{number}")
    made.data.update({"text": "x" * size})
    return made


def mock(size: int) -> ToolConfig:
    made = ToolConfig()
    made.default_answer.value.struct_value.update({"text": "x" * size})
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


MORE_THAN_A_PART = [
    ("tool_config", {"tool_config": mock(MAX_PART)}),
    ("tool_config", {"tool_config": mock(3_900_000)}),
    ("resources", {"resources": [resource(MAX_PART)]}),
    ("resources", {"resources": [resource(MAX_PART // 3, number) for number in range(3)]}),
]


@pytest.mark.parametrize(("field", "given"), MORE_THAN_A_PART)
async def test_a_spec_too_large_for_an_answer_is_refused(stage: Theatre, field: str, given: dict[str, Any]) -> None:
    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(**given))
    assert [violation.field for violation in errors[0].violations] == [f"spec.{field}"]

    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.batches.start(batch_pb2.BatchSpec(conversation=stage.spec(persona="", **given), size=1))
    assert [violation.field for violation in errors[0].violations] == [f"spec.conversation.{field}"]


async def test_the_largest_specs_are_answered_with_and_listed(stage: Theatre) -> None:
    given: dict[str, Any] = {"tool_config": mock(MAX_PART - 100), "resources": [resource(MAX_PART - 100)]}
    names = []
    for number in range(5):
        spec = stage.spec(**given, external_id=f"largest-{number}")
        started = await stage.client.conversations.start(spec, create_only=True)
        names.append(started.name)
        assert await stage.client.conversations.get(started.name) == started
        await stage.client.conversations.cancel(started.name)
        spec = stage.spec(persona="", **given)
        await stage.client.batches.start(batch_pb2.BatchSpec(conversation=spec, size=2), create_only=True)

    listed = [one.name async for one in stage.client.conversations.list()]
    assert set(names) <= set(listed)
    assert len([one async for one in stage.client.batches.list()]) >= 5


async def test_resources_too_large_together_with_the_sources_are_named(stage: Theatre) -> None:
    theirs = {"type": "order", "id": "O-9", "data": {"text": "x" * LARGE}}
    [source] = await stage.import_sources(source_line("large-world", procedure="orders", resources=[theirs]))

    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(source=source, resources=[resource(LARGE)]))
    assert [violation.field for violation in errors[0].violations] == ["spec.resources"]

    conversation = stage.spec(persona="", resources=[resource(LARGE)])
    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.batches.start(batch_pb2.BatchSpec(conversation=conversation, sources=[source], size=2))
    assert [violation.field for violation in errors[0].violations] == ["spec.conversation.resources"]


async def test_resources_that_are_too_large_when_stored_are_named(stage: Theatre) -> None:
    grows = resource(0)
    grows.data.update({"text": "\x01" * LARGE})

    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(resources=[grows]))

    assert [violation.field for violation in errors[0].violations] == ["spec.resources"]


async def test_events_too_large_to_be_answered_with_are_refused_and_none_is_stored(stage: Theatre) -> None:
    name = await opened(stage)
    grows = call(0)
    grows.tool_call.arguments.update({"text": "\x01" * LARGE})
    many = [call(LARGE, f"c{number}") for number in range(MAX_EVENTS // LARGE + 1)]

    for events, field in (([call(9), call(MAX_PART)], "events[1]"), ([grows], "events[0]"), (many, "events")):
        async with refused("INVALID_ARGUMENT", "BAD_EVENT") as errors:
            await stage.client.conversations.append(name, events)
        assert [violation.field for violation in errors[0].violations] == [field]

    assert kinds(await stage.events(name)) == ["opened"]


async def test_an_append_of_the_largest_size_is_answered(stage: Theatre) -> None:
    name = await opened(stage)
    events = [call(MAX_EVENTS // 100 - 50, f"c{number}") for number in range(100)]

    stored = await stage.client.conversations.append(name, events)

    assert list(stored) == (await stage.events(name))[1:]


async def test_lists_of_digits_which_grow_most_in_a_message_still_fit(stage: Theatre) -> None:
    theirs = {"type": "order", "id": "O-9", "data": {"digits": [1] * (MAX_PART // 2 - 100)}}
    [source] = await stage.import_sources(source_line("digits", procedure="orders", resources=[theirs]))
    name = await opened(stage, source=source)

    first = (await stage.events(name))[0]

    assert first.ByteSize() > 5 * MAX_PART
    await stage.client.conversations.finish(name)
    async with stage.client.conversations.watch(name) as events:
        assert await anext(events) == first
