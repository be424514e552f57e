"""Conversations: where they start, how they run, how they are found."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.synthesizer.v1 import tool_config_pb2
from greenroom.type.v1.event_pb2 import Ended, Event, Resource
from tests.scripted import (
    Held,
    Script,
    State,
    Theatre,
    calls,
    ends,
    kinds,
    leaves,
    refused,
    says,
    source_line,
    stays_silent,
    texts,
)
from tests.suite import suite

NAME = "conversations/019a0000-0000-7000-8000-000000000000"


async def test_a_conversation_starts_where_the_agent_first_answers_and_keeps_the_greeting(stage: Theatre) -> None:
    done = await stage.play(source=stage.source)

    events = await stage.events(done.name)
    assert kinds(events)[:4] == ["opened", "agent_message", "user_message", "attempt_started"]
    assert texts(events)[:2] == ["Welcome.", "Where is my order O-7?"]
    assert [event.copied for event in events[:4]] == [False, True, True, False]
    assert kinds(events)[4] == "agent_message", "the agent answers the copied question"
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_the_copied_events_happen_at_the_epoch_and_keep_their_distances(stage: Theatre) -> None:
    done = await stage.play(source=stage.source)

    events = await stage.events(done.name)
    times = [event.virtual_time.ToJsonString() for event in events[:3]]
    assert times == ["2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z", "2026-01-05T09:01:00Z"]


async def test_the_epoch_can_be_chosen(stage: Theatre) -> None:
    spec = stage.spec()
    spec.epoch.FromJsonString("2031-05-06T07:08:09Z")

    started = await stage.client.conversations.start(spec, create_only=True)

    assert started.spec.epoch.ToJsonString() == "2031-05-06T07:08:09Z"
    [opened] = await stage.events(started.name)
    assert opened.virtual_time.ToJsonString() == "2031-05-06T07:08:09Z"


async def test_only_the_resources_that_existed_by_the_start_point_are_there(stage: Theatre) -> None:
    done = await stage.play(source=stage.source)

    opened = (await stage.events(done.name))[0].opened
    assert [(one.type, one.id, one.data["state"]) for one in opened.resources] == [("order", "O-7", "sent")]


async def test_extra_resources_come_after_and_replace_those_of_the_source(stage: Theatre) -> None:
    order, note = Resource(type="order", id="O-7"), Resource(type="note", id="N-1")
    order.data.update({"state": "lost"})

    done = await stage.play(source=stage.source, resources=[order, note])

    opened = (await stage.events(done.name))[0].opened
    assert [(one.type, one.id) for one in opened.resources] == [("order", "O-7"), ("note", "N-1")]
    assert opened.resources[0].data["state"] == "lost"


async def test_without_a_source_the_persona_opens(stage: Theatre) -> None:
    done = await stage.play(Script(persona=[says("Hey you."), leaves()]))

    events = await stage.events(done.name)
    assert kinds(events) == ["opened", "attempt_started", "user_message", "agent_message", "user_message", "ended"]
    assert texts(events)[0] == "Hey you."
    assert (done.state, done.ended.reason, done.turns) == (State.STATE_COMPLETED, "USER_LEFT", 2)


async def test_a_turn_is_a_user_message_with_the_whole_answer_to_it(stage: Theatre) -> None:
    agent = [calls("find_order", order="o-7 "), says("On its way."), says("Bye.")]

    done = await stage.play(Script(persona=[says("And now?"), leaves()], agent=agent), source=stage.source)

    events = await stage.events(done.name)
    assert kinds(events)[4:] == [
        *("tool_call", "tool_result", "agent_message", "user_message", "agent_message", "user_message", "ended")
    ]
    assert [event.turn for event in events[4:]] == [0, 0, 0, 1, 1, 2, 2]
    assert events[5].tool_result.answer.value.struct_value["state"] == "sent", "the recorded call is a mock"
    assert events[5].tool_result.answer.patches[0].merge["seen"] is True


async def test_max_turns_counts_the_steps_of_the_persona(stage: Theatre) -> None:
    done = await stage.play(Script(persona=[says("More!"), stays_silent(), says("More!")]), max_turns=3)

    assert (done.turns, done.ended.reason, done.ended.outcome) == (3, "MAX_TURNS", Ended.OUTCOME_COMPLETED)
    silent = [event for event in await stage.events(done.name) if event.user_message.silent]
    assert [event.turn for event in silent] == [2], "silence is a step too"


async def test_the_agent_can_end_a_conversation_with_a_last_word(stage: Theatre) -> None:
    done = await stage.play(Script(agent=[ends("Good-bye!")]))

    events = await stage.events(done.name)
    assert kinds(events)[-2:] == ["agent_message", "ended"]
    assert done.ended.reason == "AGENT_ENDED"


async def test_it_keeps_what_it_was_made_from_and_what_it_cost(stage: Theatre) -> None:
    done = await stage.play(source=stage.source, external_id="mine", max_turns=7)

    spec = done.spec
    assert (spec.source, spec.procedure, spec.revision) == (stage.source, stage.procedure, 1)
    assert (spec.external_id, spec.max_turns, spec.model) == ("mine", 7, "offline")
    assert spec.agent.HasField("procedure_agent")
    assert done.persona.display_name == "Eager Eddie"
    assert (done.creator, done.batch, done.attempt) == ("developer", "", 1)
    events = await stage.events(done.name)
    asked = [event for event in events if event.HasField("usage")]
    assert done.usage.model_calls == len(asked) == 4
    assert done.usage.input_tokens == sum(event.usage.input_tokens for event in asked) == 40
    assert done.usage.output_tokens == sum(event.usage.output_tokens for event in asked) == 20
    assert done.last_seq == events[-1].seq
    assert done.create_time.ToMilliseconds() <= done.end_time.ToMilliseconds()
    assert len(done.digest) == 64


async def test_the_persona_stays_as_it_was_when_the_conversation_started(stage: Theatre) -> None:
    personas = stage.client.personas
    persona = await personas.get("personas/cold-carl")
    persona.display_name = "Before"
    own = await personas.create(persona)
    started = await stage.client.conversations.start(stage.spec(persona=own.name), create_only=True)

    own.display_name = "After"
    await personas.update(own, fields=["display_name"])
    await stage.client.conversations.run(started.name)

    assert (await stage.over(started.name)).persona.display_name == "Before"


async def test_one_that_is_only_created_runs_when_it_is_let(stage: Theatre) -> None:
    conversations = stage.client.conversations
    created = await conversations.start(stage.spec(), create_only=True)
    assert (created.state, created.attempt) == (State.STATE_CREATED, 0)
    watch = conversations.watch(created.name)
    first = await anext(watch)

    await conversations.run(created.name)

    seen = [first, *[event async for event in watch]]
    assert seen == await stage.events(created.name)
    assert watch.summary == await conversations.get(created.name)
    assert watch.summary.state == State.STATE_COMPLETED


async def test_letting_one_run_that_runs_or_ran_is_no_error(stage: Theatre) -> None:
    held = Held()
    started = await stage.client.conversations.start(stage.spec(Script(persona=[held, leaves()])))
    await held.begun.wait()
    assert (await stage.client.conversations.run(started.name)).state == State.STATE_GENERATING

    held.released.set()

    done = await stage.over(started.name)
    assert await stage.client.conversations.run(started.name) == done


async def test_the_same_request_returns_the_first_result_and_another_is_refused(stage: Theatre) -> None:
    conversations, spec = stage.client.conversations, stage.spec()
    first = await conversations.start(spec, create_only=True, request_id="start-twice")

    again = await conversations.start(spec, create_only=True, request_id="start-twice")

    assert again == first
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await conversations.start(spec, request_id="start-twice")


async def test_the_same_request_makes_nothing_again_when_its_result_was_deleted(stage: Theatre) -> None:
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


async def test_conversations_are_found_by_what_they_are(stage: Theatre) -> None:
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


async def test_lists_come_page_by_page_oldest_first(stage: Theatre) -> None:
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

    assert [one.name for one in (*first.conversations, *rest.conversations)] == made
    assert rest.next_page_token == ""


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


@pytest.mark.parametrize(
    ("fields", "code", "reason", "field"),
    [
        ({"procedure": "procedures/none"}, "NOT_FOUND", "PROCEDURE_NOT_FOUND", None),
        ({"persona": "personas/none"}, "NOT_FOUND", "PERSONA_NOT_FOUND", None),
        ({"source": "sources/none"}, "NOT_FOUND", "SOURCE_NOT_FOUND", None),
        ({"based_on": pb.BasedOn(conversation=NAME, seq=1)}, "NOT_FOUND", "CONVERSATION_NOT_FOUND", None),
        ({"revision": 2}, "NOT_FOUND", "REVISION_NOT_FOUND", None),
        ({"persona": "Eddie"}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.persona"),
        ({"persona": ""}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.persona"),
        ({"procedure": ""}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.procedure"),
        ({"procedure": "", "revision": 1}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.revision"),
        ({"max_turns": 201}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.max_turns"),
        ({"max_turns": -1}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.max_turns"),
        ({"model": "gpt-9"}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.model"),
        ({"external_id": "a\0b"}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.external_id"),
        ({"type": 7}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.type"),
    ],
)
async def test_a_spec_that_is_wrong_is_refused_and_the_field_named(
    stage: Theatre, fields: dict[str, Any], code: str, reason: str, field: str | None
) -> None:
    async with refused(code, reason) as errors:
        await stage.client.conversations.start(stage.spec(**fields))

    assert field is None or field in [violation.field for violation in errors[0].violations]


@pytest.mark.parametrize(
    "address", ["127.0.0.1.example.com:80", "127.evil.example:1", "example.com:443", "10.0.0.1:80", "128.0.0.1:5"]
)
async def test_agents_beyond_loopback_are_not_called_unless_the_server_allows_it(stage: Theatre, address: str) -> None:
    agent = pb.AgentTarget(grpc=pb.GrpcAgent(address=address))

    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.conversations.start(stage.spec(agent=agent))

    [violation] = errors[0].violations
    assert violation.field == "spec.agent.grpc.address"
    assert violation.description == "Must be an address on loopback or a host that GREENROOM_AGENT_HOSTS names."


@pytest.mark.parametrize("address", ["127.0.0.1:80", "[::1]:80", "localhost:80", "LOCALHOST:80"])
async def test_agents_on_loopback_are_called_however_that_is_written(stage: Theatre, address: str) -> None:
    agent = pb.AgentTarget(grpc=pb.GrpcAgent(address=address))

    created = await stage.client.conversations.start(stage.spec(agent=agent), create_only=True)

    assert created.spec.agent == agent


async def test_a_server_that_others_reach_calls_agents_on_loopback_only_if_they_are_named(tmp_path: Path) -> None:
    spec = pb.ConversationSpec(persona="personas/busy-bob")
    spec.agent.grpc.address = "[::1]:80"
    async with suite("sqlite", tmp_path, host="0.0.0.0", insecure=True, agent_hosts=("localhost",)) as reached:
        async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
            await reached.client.conversations.start(spec, create_only=True)
        spec.agent.grpc.address = "Localhost:80"
        await reached.client.conversations.start(spec, create_only=True)
    [violation] = errors[0].violations
    assert violation.description == "Must be a host that GREENROOM_AGENT_HOSTS names."


async def test_only_a_ready_revision_is_rehearsed(stage: Theatre) -> None:
    draft = await stage.draft()
    async with refused("FAILED_PRECONDITION", "NO_READY_REVISION"):
        await stage.client.conversations.start(stage.spec(procedure=draft))
    async with refused("FAILED_PRECONDITION", "REVISION_NOT_READY"):
        await stage.client.conversations.start(stage.spec(procedure=draft, revision=1))

    await stage.client.procedures.mark_ready(draft, 1)

    assert (await stage.play(procedure=draft)).spec.revision == 1


async def test_an_unfinished_source_is_refused(stage: Theatre) -> None:
    [source] = await stage.import_sources(source_line("unfinished", finished=False))

    async with refused("FAILED_PRECONDITION", "SOURCE_NOT_FINISHED"):
        await stage.client.conversations.start(stage.spec(source=source))


async def test_a_source_in_which_no_user_speaks_is_refused(stage: Theatre) -> None:
    [source] = await stage.import_sources(source_line("mute", events=[{"agent_message": {"text": "Anyone?"}}]))

    async with refused("FAILED_PRECONDITION", "SOURCE_HAS_NO_USER_MESSAGE"):
        await stage.client.conversations.start(stage.spec(source=source))


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


async def test_a_finished_conversation_is_deleted_with_its_events_for_good(stage: Theatre) -> None:
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


async def test_it_goes_on_from_an_event_of_the_one_it_is_based_on(stage: Theatre) -> None:
    base = await stage.play(
        Script(persona=[says("Is it blue?"), leaves()], agent=[says("It is on its way."), says("It is red.")]),
        source=stage.source,
        max_turns=9,
    )
    before = await stage.events(base.name)
    asked = next(event for event in before if event.user_message.text == "Is it blue?")
    based_on = pb.BasedOn(conversation=base.name, seq=asked.seq)
    spec = stage.spec(Script(persona=[leaves()], agent=[says("It is blue.")]), based_on=based_on)
    other = pb.ConversationSpec(based_on=based_on, seed=spec.seed)

    started = await stage.client.conversations.start(other)
    done = await stage.over(started.name)

    events = await stage.events(done.name)
    replayed = [event for event in events if event.copied]
    assert texts(replayed) == ["Welcome.", "Where is my order O-7?", "It is on its way.", "Is it blue?"]
    spoken = [event for event in before if event.seq <= asked.seq and event.WhichOneof("kind") != "attempt_started"]
    assert [event.virtual_time for event in replayed] == [event.virtual_time for event in spoken]
    assert texts(events)[4] == "It is blue."
    assert (done.spec.persona, done.spec.procedure, done.spec.revision) == (
        *(base.spec.persona, base.spec.procedure, base.spec.revision),
    )
    assert (done.spec.max_turns, done.spec.source) == (9, base.spec.source)
    assert done.usage.model_calls == 2, "what was replayed costs nothing"
    assert done.turns == 1


async def test_a_replay_ends_where_a_tool_is_to_answer_and_the_mock_answers(stage: Theatre) -> None:
    base = await stage.play(Script(agent=[calls("find_order", order="O-7"), says("Found.")]), source=stage.source)
    call = next(event for event in await stage.events(base.name) if event.HasField("tool_call"))
    config = tool_config_pb2.ToolConfig(ignore_recorded_calls=True)
    config.default_answer.value.struct_value.update({"state": "lost"})
    spec = stage.spec(based_on=pb.BasedOn(conversation=base.name, seq=call.seq), tool_config=config)

    started = await stage.client.conversations.start(spec)
    done = await stage.over(started.name)

    answers = [event.tool_result.answer for event in await stage.events(done.name) if event.HasField("tool_result")]
    assert [answer.value.struct_value["state"] for answer in answers] == ["lost"]


async def test_calls_of_a_replay_and_new_ones_have_names_of_their_own(stage: Theatre) -> None:
    base = await stage.play(
        Script(agent=[calls("find_order", order="O-7"), says("x"), calls("find_order", order="O-7"), says("y")]),
        source=stage.source,
    )
    last = [event for event in await stage.events(base.name) if event.HasField("tool_result")][-1]
    script = Script(persona=[says("Again?"), leaves()], agent=[calls("find_order", order="O-7"), says("Yes.")] * 9)
    spec = stage.spec(script, based_on=pb.BasedOn(conversation=base.name, seq=last.seq))

    done = await stage.over((await stage.client.conversations.start(spec)).name)

    ids = [event.tool_call.call_id for event in await stage.events(done.name) if event.HasField("tool_call")]
    assert len(ids) >= 3
    assert len(set(ids)) == len(ids)


async def test_a_replay_beyond_the_end_or_beside_a_source_is_refused(stage: Theatre) -> None:
    base = await stage.play()
    beyond = pb.BasedOn(conversation=base.name, seq=base.last_seq + 1)
    async with refused("INVALID_ARGUMENT", "BASE_TOO_SHORT"):
        await stage.client.conversations.start(stage.spec(based_on=beyond))

    both = stage.spec(based_on=pb.BasedOn(conversation=base.name, seq=1), source=stage.source)
    async with refused("INVALID_ARGUMENT", "SPEC_INVALID"):
        await stage.client.conversations.start(both)


async def test_one_that_another_is_based_on_is_not_deleted(stage: Theatre) -> None:
    base = await stage.play()
    child = await stage.play(based_on=pb.BasedOn(conversation=base.name, seq=1))

    async with refused("FAILED_PRECONDITION", "CONVERSATION_REFERENCED") as errors:
        await stage.client.conversations.delete(base.name)
    assert child.name in str(errors[0])

    await stage.client.conversations.delete(child.name)
    await stage.client.conversations.delete(base.name)
