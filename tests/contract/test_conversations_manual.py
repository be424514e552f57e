"""Manual conversations: a caller appends the events."""

import asyncio
from typing import Any

import pytest

from greenroom.client import GreenroomError
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.type.v1.event_pb2 import AgentMessage, Ended, Event, Opened, ToolCall, ToolResult, UserMessage, Waited
from tests.scripted import State, Theatre, kinds, refused, texts


async def opened(stage: Theatre, **fields: Any) -> str:
    spec = pb.ConversationSpec(type=pb.CONVERSATION_TYPE_MANUAL, **fields)
    started = await stage.client.conversations.start(spec)
    assert started.state == State.STATE_OPEN
    return started.name


def user(text: str) -> Event:
    return Event(user_message=UserMessage(text=text))


def agent(text: str) -> Event:
    return Event(agent_message=AgentMessage(text=text))


async def test_what_is_appended_stands_in_order(stage: Theatre) -> None:
    name = await opened(stage)
    call = Event(tool_call=ToolCall(call_id="c", tool="find"))
    call.tool_call.arguments.update({"order": "O-7", "count": 2})
    result = Event(tool_result=ToolResult(call_id="c", tool="find"))
    result.tool_result.answer.value.string_value = "sent"

    stored = await stage.client.conversations.append(name, [user("Hi."), call, result])
    stored += await stage.client.conversations.append(name, [agent("Sent.")], expected_last_seq=4)

    assert list(stored) == (await stage.events(name))[1:]
    assert [event.seq for event in stored] == [2, 3, 4, 5]
    assert kinds(stored) == ["user_message", "tool_call", "tool_result", "agent_message"]
    assert {event.turn for event in stored} == {1}
    assert stored[1].tool_call.arguments["count"] == 2
    got = await stage.client.conversations.get(name)
    assert (got.state, got.turns, got.last_seq) == (State.STATE_OPEN, 1, 5)


async def test_it_can_start_from_a_source_and_needs_no_mocks(stage: Theatre) -> None:
    name = await opened(stage, source=stage.source, procedure=stage.procedure)

    assert texts(await stage.events(name)) == ["Welcome.", "Where is my order O-7?"]


async def test_it_is_finished_at_once(stage: Theatre) -> None:
    name = await opened(stage)
    await stage.client.conversations.append(name, [user("Hi.")])

    done = await stage.client.conversations.finish(name)

    assert (done.state, done.ended.reason, done.turns) == (State.STATE_COMPLETED, "FINISHED", 1)
    assert len(done.digest) == 64
    assert kinds(await stage.events(name)) == ["opened", "user_message", "ended"]


async def test_it_is_cancelled_at_once(stage: Theatre) -> None:
    name = await opened(stage)

    assert (await stage.client.conversations.cancel(name)).state == State.STATE_CANCELLED


async def test_nothing_is_appended_to_one_that_is_over_or_synthetic(stage: Theatre) -> None:
    name = await opened(stage)
    await stage.client.conversations.finish(name)
    synthetic = await stage.client.conversations.start(stage.spec(), create_only=True)

    for closed in (name, synthetic.name):
        async with refused("FAILED_PRECONDITION", "CONVERSATION_NOT_OPEN"):
            await stage.client.conversations.append(closed, [user("Too late.")])


async def test_a_manual_conversation_cannot_be_run(stage: Theatre) -> None:
    name = await opened(stage)

    async with refused("FAILED_PRECONDITION", "CONVERSATION_NOT_CREATED"):
        await stage.client.conversations.run(name)


async def test_one_append_sent_twice_is_stored_once(stage: Theatre) -> None:
    name = await opened(stage)
    append = stage.client.conversations.append

    first = await append(name, [user("Once.")], request_id="append-once")
    await append(name, [agent("Between.")])
    again = await append(name, [user("Once.")], request_id="append-once")

    assert again == first
    assert texts(await stage.events(name)) == ["Once.", "Between."]
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await append(name, [user("Other.")], request_id="append-once")


async def test_one_append_sent_many_times_at_once_is_stored_once(stage: Theatre) -> None:
    name = await opened(stage)
    append = stage.client.conversations.append

    for turn in range(5):
        sent = [append(name, [user(f"{turn}")], request_id=f"at-once-{name}-{turn}") for _ in range(8)]
        stored = await asyncio.gather(*sent)
        assert len({events[0].id for events in stored}) == 1

    assert texts(await stage.events(name)) == ["0", "1", "2", "3", "4"]


async def test_many_concurrent_appends_are_all_stored(stage: Theatre) -> None:
    name = await opened(stage)

    await asyncio.gather(*(stage.client.conversations.append(name, [user(f"{n}"), agent(f"{n}!")]) for n in range(20)))

    said = texts(await stage.events(name))
    assert sorted(said[::2], key=int) == [f"{n}" for n in range(20)]
    assert said[1::2] == [f"{text}!" for text in said[::2]], "what was appended together stands together"


async def test_an_append_can_require_the_last_seq(stage: Theatre) -> None:
    name = await opened(stage)

    async with refused("ABORTED", "SEQ_MOVED"):
        await stage.client.conversations.append(name, [user("x")], expected_last_seq=7)

    outcomes = await asyncio.gather(
        *(stage.client.conversations.append(name, [user(f"{n}")], expected_last_seq=1) for n in range(5)),
        return_exceptions=True,
    )
    refusals = [outcome for outcome in outcomes if isinstance(outcome, GreenroomError)]
    assert [(error.code, error.reason) for error in refusals] == [("ABORTED", "SEQ_MOVED")] * 4


async def test_appending_while_it_is_finished_loses_nothing_and_ends_it(stage: Theatre) -> None:
    for _ in range(10):
        name = await opened(stage)
        appends = [stage.client.conversations.append(name, [user(f"{n}")]) for n in range(5)]
        *outcomes, _ = await asyncio.gather(*appends, stage.client.conversations.finish(name), return_exceptions=True)

        assert (await stage.client.conversations.get(name)).state == State.STATE_COMPLETED
        events = await stage.events(name)
        stored = [outcome for outcome in outcomes if not isinstance(outcome, GreenroomError)]
        assert all(error.reason == "CONVERSATION_NOT_OPEN" for error in outcomes if isinstance(error, GreenroomError))
        assert len(texts(events)) == len(stored)
        assert kinds(events)[-1] == "ended"


def late(text: str, seconds: int) -> Event:
    event = user(text)
    event.virtual_time.seconds = seconds
    return event


RESULT = Event(tool_result=ToolResult(call_id="none", tool="find"))
CALL = Event(tool_call=ToolCall(call_id="c", tool="find"))


@pytest.mark.parametrize(
    ("events", "reason", "field"),
    [
        ([], "INVALID_ARGUMENT", "events"),
        ([user("x")] * 101, "INVALID_ARGUMENT", "events"),
        ([user("x"), Event()], "BAD_EVENT", "events[1]"),
        ([Event(ended=Ended(reason="X"))], "BAD_EVENT", "events[0]"),
        ([Event(opened=Opened())], "BAD_EVENT", "events[0]"),
        ([Event(waited=Waited())], "BAD_EVENT", "events[0]"),
        ([RESULT], "BAD_EVENT", "events[0].tool_result.call_id"),
        ([CALL, CALL], "BAD_EVENT", "events[1].tool_call.call_id"),
        ([Event(tool_call=ToolCall(tool="find"))], "BAD_EVENT", "events[0].tool_call.call_id"),
        ([late("x", 2_000_000_000), late("y", 1_999_999_999)], "BAD_EVENT", "events[1].virtual_time"),
        ([user("x" * 20_001)], "INVALID_ARGUMENT", "events[0].user_message.text"),
        ([agent("a\0b")], "INVALID_ARGUMENT", "events[0].agent_message.text"),
    ],
)
async def test_an_event_that_cannot_be_appended_is_named_and_nothing_is_stored(
    stage: Theatre, events: list[Event], reason: str, field: str
) -> None:
    name = await opened(stage)

    async with refused("INVALID_ARGUMENT", reason) as errors:
        await stage.client.conversations.append(name, events)

    assert field in [violation.field for violation in errors[0].violations]
    assert kinds(await stage.events(name)) == ["opened"]


async def test_a_call_id_may_be_used_again_once_its_call_is_answered(stage: Theatre) -> None:
    name = await opened(stage)
    result = Event(tool_result=ToolResult(call_id="c", tool="find"))

    await stage.client.conversations.append(name, [CALL, result, CALL])
    await stage.client.conversations.append(name, [result, CALL])

    assert kinds(await stage.events(name))[1:] == ["tool_call", "tool_result"] * 2 + ["tool_call"]


async def test_a_number_that_a_double_cannot_tell_from_its_neighbours_is_refused_with_its_place(stage: Theatre) -> None:
    name = await opened(stage)
    large = Event(tool_call=ToolCall(call_id="c", tool="find"))
    large.tool_call.arguments.update({"orders": [{"id": 9007199254740993}], "fine": 2**53 - 1})

    async with refused("INVALID_ARGUMENT", "INVALID_ARGUMENT") as errors:
        await stage.client.conversations.append(name, [user("x"), large])

    [violation] = errors[0].violations
    assert violation.field == "events[1].tool_call.arguments.orders[0].id"
    assert "write it as text" in violation.description


async def test_a_time_that_no_calendar_has_is_refused(stage: Theatre) -> None:
    name = await opened(stage)

    async with refused("INVALID_ARGUMENT", "TIME_OUT_OF_RANGE"):
        await stage.client.conversations.append(name, [late("x", 2**60)])


async def test_virtual_time_goes_on_from_the_event_before(stage: Theatre) -> None:
    name = await opened(stage)

    stored = await stage.client.conversations.append(name, [user("x"), late("y", 1_900_000_000), agent("z")])

    assert [event.virtual_time.ToJsonString() for event in stored] == [
        *("2026-01-05T09:00:00Z", "2030-03-17T17:46:40Z", "2030-03-17T17:46:40Z")
    ]
