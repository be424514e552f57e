"""How conversations end: cancelled, finished, failed for a reason, and retried where they failed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from greenroom.client import GreenroomError
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.synthesizer.v1 import tool_config_pb2
from greenroom.type.v1 import event_pb2
from shared.llm.base import ModelUnavailable
from tests.scripted import Held, Line, Script, State, Theatre, calls, kinds, leaves, refused, refuses, says, texts


def reasons(events: list[event_pb2.Event]) -> list[str]:
    return [event.ended.reason for event in events if event.HasField("ended")]


async def running(stage: Theatre, held: Held) -> pb.Conversation:
    """A conversation whose model is being asked."""
    started = await stage.client.conversations.start(stage.spec(Script(persona=[held, leaves()])))
    await held.begun.wait()
    return started


async def test_a_created_one_is_cancelled_at_once(stage: Theatre) -> None:
    created = await stage.client.conversations.start(stage.spec(), create_only=True)

    cancelled = await stage.client.conversations.cancel(created.name)

    assert (cancelled.state, cancelled.ended.reason) == (State.STATE_CANCELLED, "CANCELLED")
    assert cancelled.ended.outcome == event_pb2.Ended.OUTCOME_CANCELLED
    assert kinds(await stage.events(created.name)) == ["opened", "ended"]
    assert (await stage.client.conversations.run(created.name)).state == State.STATE_CANCELLED


async def test_cancelling_aborts_the_running_model_call(stage: Theatre) -> None:
    held = Held()
    started = await running(stage, held)

    await stage.client.conversations.cancel(started.name)

    done = await stage.over(started.name)
    assert held.aborted.is_set()
    assert (done.state, done.ended.reason) == (State.STATE_CANCELLED, "CANCELLED")
    assert kinds(await stage.events(started.name)) == ["opened", "attempt_started", "ended"]


async def test_a_cancelled_conversation_can_be_cancelled_again_and_a_completed_one_cannot(stage: Theatre) -> None:
    conversations = stage.client.conversations
    created = await conversations.start(stage.spec(), create_only=True)
    cancelled = await conversations.cancel(created.name)
    assert await conversations.cancel(created.name) == cancelled

    done = await stage.play()
    async with refused("FAILED_PRECONDITION", "CONVERSATION_OVER"):
        await conversations.cancel(done.name)
    assert await conversations.get(done.name) == done


async def test_one_that_runs_is_finished_at_its_next_event(stage: Theatre) -> None:
    held = Held(says("The last words."))
    started = await running(stage, held)

    still = await stage.client.conversations.finish(started.name)
    assert still.state == State.STATE_GENERATING
    held.released.set()

    done = await stage.over(started.name)
    assert not held.aborted.is_set()
    assert (done.state, done.ended.reason) == (State.STATE_COMPLETED, "FINISHED")
    events = await stage.events(started.name)
    assert kinds(events) == ["opened", "attempt_started", "user_message", "ended"]
    assert texts(events) == ["The last words."]
    assert done.usage.model_calls == 1


async def test_whoever_finishes_does_not_overrule_whoever_cancelled(stage: Theatre) -> None:
    held = Held()
    started = await running(stage, held)

    await asyncio.gather(
        stage.client.conversations.cancel(started.name),
        stage.client.conversations.finish(started.name),
        return_exceptions=True,
    )
    if not held.aborted.is_set():  # finish came first, so cancel explicitly
        await stage.client.conversations.cancel(started.name)

    assert (await stage.over(started.name)).state == State.STATE_CANCELLED


async def test_a_conversation_that_somebody_finished_can_still_be_cancelled(stage: Theatre) -> None:
    held = Held()
    started = await running(stage, held)
    await stage.client.conversations.finish(started.name)

    await stage.client.conversations.cancel(started.name)

    assert (await stage.over(started.name)).state == State.STATE_CANCELLED
    assert held.aborted.is_set()


async def test_one_that_is_over_is_not_finished(stage: Theatre) -> None:
    done = await stage.play()

    async with refused("FAILED_PRECONDITION", "CONVERSATION_NOT_GOING_ON"):
        await stage.client.conversations.finish(done.name)


async def test_cancelling_while_it_completes_ends_it_once(stage: Theatre) -> None:
    conversations = stage.client.conversations
    names = [
        (await conversations.start(stage.spec(Script(persona=[says("x")]), max_turns=3), create_only=True)).name
        for _ in range(30)
    ]

    async def race(name: str, stop: Callable[[str], Awaitable[object]]) -> None:
        await conversations.run(name)
        with contextlib.suppress(GreenroomError):
            await stop(name)

    stops = [conversations.cancel, conversations.finish]
    await asyncio.gather(*(race(name, stops[place % 2]) for place, name in enumerate(names)))

    for name in names:
        done = await stage.over(name)
        events = await stage.events(name)
        assert reasons(events) == [done.ended.reason]
        assert kinds(events)[-1] == "ended"
        assert [event.seq for event in events] == list(range(1, done.last_seq + 1))


UNANSWERED = tool_config_pb2.ToolConfig(ignore_recorded_calls=True)
FAILURES = [
    pytest.param([refuses(), leaves()], [says("Hi.")], "MODEL_REFUSED", event_pb2.FAULT_PERSONA_MODEL, id="persona"),
    pytest.param(
        [says(" "), says(" "), leaves()],
        [says("Hi.")],
        "PERSONA_REPLY_UNUSABLE",
        event_pb2.FAULT_PERSONA_MODEL,
        id="empty persona",
    ),
    pytest.param(
        [calls("refund"), calls("refund"), leaves()],
        [says("Hi.")],
        "PERSONA_REPLY_UNUSABLE",
        event_pb2.FAULT_PERSONA_MODEL,
        id="persona with a tool",
    ),
    pytest.param(
        [says("Hello."), leaves()], [refuses(), says("Hi.")], "MODEL_REFUSED", event_pb2.FAULT_AGENT, id="agent"
    ),
    pytest.param(
        [says("Hello."), leaves()],
        [says("  "), says("Hi.")],
        "AGENT_SAID_NOTHING",
        event_pb2.FAULT_AGENT,
        id="empty agent",
    ),
    pytest.param(
        [says("Hello."), leaves()],
        [says("x" * 20_001), says("Hi.")],
        "AGENT_SAID_TOO_MUCH",
        event_pb2.FAULT_AGENT,
        id="agent without end",
    ),
    pytest.param(
        [says("Hello."), leaves()],
        [calls("t" * 129), says("Hi.")],
        "AGENT_CALL_TOO_LARGE",
        event_pb2.FAULT_AGENT,
        id="agent's call",
    ),
    pytest.param(
        [ValueError("secret"), leaves()], [says("Hi.")], "INTERNAL", event_pb2.FAULT_INFRASTRUCTURE, id="a bug of ours"
    ),
]


@pytest.mark.parametrize(("persona", "agent", "reason", "fault"), FAILURES)
async def test_a_failure_has_a_reason_and_a_fault_and_a_retry_resumes_there(
    stage: Theatre, persona: list[Line], agent: list[Line], reason: str, fault: event_pb2.Fault.ValueType
) -> None:
    failed = await stage.play(Script(persona=persona, agent=agent))
    assert (failed.state, failed.ended.reason, failed.ended.fault) == (State.STATE_FAILED, reason, fault)
    assert failed.ended.outcome == event_pb2.Ended.OUTCOME_FAILED
    assert failed.ended.detail
    assert "secret" not in failed.ended.detail
    before = await stage.events(failed.name)

    again = await stage.client.conversations.retry(failed.name)

    assert not again.HasField("ended") or again.state == State.STATE_COMPLETED
    done = await stage.over(failed.name)
    assert (done.state, done.ended.reason, done.attempt) == (State.STATE_COMPLETED, "USER_LEFT", 2)
    events = await stage.events(failed.name)
    assert events[: len(before)] == before, "nothing that was said is said again"
    assert kinds(events)[len(before)] == "attempt_started"
    assert [event.attempt_started.attempt for event in events if event.HasField("attempt_started")] == [1, 2]
    assert [event.seq for event in events] == list(range(1, done.last_seq + 1))
    assert done.usage.model_calls == sum(event.usage.model_calls for event in events)


async def test_an_answer_of_the_agents_model_that_cannot_be_used_was_paid_for(stage: Theatre) -> None:
    failed = await stage.play(Script(persona=[says("Hello.")], agent=[says("x" * 20_001)]))

    assert failed.ended.reason == "AGENT_SAID_TOO_MUCH"
    assert failed.usage.model_calls == 2


async def test_a_call_without_an_answer_fails_with_the_fault_tool_mock(stage: Theatre) -> None:
    script = Script(agent=[calls("find_order", order="O-7"), says("Sent.")])
    failed = await stage.play(script, source=stage.source, tool_config=UNANSWERED)

    assert (failed.ended.reason, failed.ended.fault) == ("TOOL_NOT_MOCKED", event_pb2.FAULT_TOOL_MOCK)
    assert "find_order" in failed.ended.detail
    assert kinds(await stage.events(failed.name))[-2:] == ["tool_call", "ended"]

    await stage.client.conversations.retry(failed.name)

    again = await stage.over(failed.name)
    assert (again.ended.reason, again.attempt) == ("TOOL_NOT_MOCKED", 2)
    assert kinds(await stage.events(failed.name))[-4:] == ["tool_call", "ended", "attempt_started", "ended"]


async def test_a_model_that_is_unavailable_for_a_moment_is_asked_again(stage: Theatre) -> None:
    down = ModelUnavailable(model="scripted", why="it was told so")
    done = await stage.play(Script(persona=[down, says("Hello."), leaves()], agent=[down, says("Hi.")]))

    assert (done.state, done.attempt, done.usage.model_calls) == (State.STATE_COMPLETED, 1, 3)


async def test_only_a_failed_one_is_retried(stage: Theatre) -> None:
    done = await stage.play()
    created = await stage.client.conversations.start(stage.spec(), create_only=True)

    for name in (done.name, created.name):
        async with refused("FAILED_PRECONDITION", "CONVERSATION_NOT_FAILED"):
            await stage.client.conversations.retry(name)


async def test_a_retried_one_can_be_cancelled(stage: Theatre) -> None:
    held = Held()
    failed = await stage.play(Script(persona=[refuses(), held]))
    await stage.client.conversations.retry(failed.name)
    await held.begun.wait()

    await stage.client.conversations.cancel(failed.name)

    done = await stage.over(failed.name)
    assert done.state == State.STATE_CANCELLED
    assert reasons(await stage.events(failed.name)) == ["MODEL_REFUSED", "CANCELLED"]


async def test_retrying_and_cancelling_at_once_leaves_one_ending_an_attempt(stage: Theatre) -> None:
    conversations = stage.client.conversations
    failed = [await stage.play(Script(persona=[refuses(), says("x"), leaves()])) for _ in range(10)]

    async def race(name: str) -> None:
        await conversations.retry(name)
        with contextlib.suppress(GreenroomError):
            await conversations.cancel(name)

    await asyncio.gather(*(race(one.name) for one in failed))

    for one in failed:
        done = await stage.over(one.name)
        assert reasons(await stage.events(one.name)) == ["MODEL_REFUSED", done.ended.reason]


async def test_an_ended_one_has_a_digest_that_ids_and_retries_do_not_change(stage: Theatre) -> None:
    said = [says("Hello."), says("And then?"), leaves("Bye.")]
    acted = [calls("find_order", order="O-1"), says("It is on its way."), calls("refund"), says("Done.")]
    config = tool_config_pb2.ToolConfig()
    config.default_answer.value.struct_value.update({"state": "sent"})
    spec = stage.spec(Script(persona=said, agent=acted), tool_config=config)
    first = await stage.over((await stage.client.conversations.start(spec)).name)
    broken = Script(
        persona=[refuses(), said[0], said[1], refuses(), refuses(), said[2]],
        agent=[acted[0], refuses(), acted[1], refuses(), *acted[2:]],
    )
    stage.model.scripts[spec.seed] = broken

    second = await stage.over((await stage.client.conversations.start(spec)).name)
    while second.state == State.STATE_FAILED:
        await stage.client.conversations.retry(second.name)
        second = await stage.over(second.name)

    assert (first.attempt, second.attempt) == (1, 6)
    assert (first.digest, first.turns) == (second.digest, second.turns)
    assert first.name != second.name
    assert (await stage.play()).digest != first.digest, "another seed, another transcript"


async def test_a_deleted_conversation_leaves_no_job_behind(stage: Theatre) -> None:
    held = Held()
    started = await running(stage, held)
    await stage.client.conversations.cancel(started.name)
    await stage.over(started.name)

    await stage.client.conversations.delete(started.name)

    assert (await stage.play()).state == State.STATE_COMPLETED
