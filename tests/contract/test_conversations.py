"""Conversations: where they start, how they run, and what they store."""

from greenroom.type.v1.event_pb2 import Ended, Resource
from shared.llm.base import ChatReply, ToolRequest
from tests.scripted import Held, Script, State, Theatre, calls, ends, kinds, leaves, says, stays_silent, texts


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


async def test_a_later_change_of_a_persona_does_not_change_its_conversations(stage: Theatre) -> None:
    personas = stage.client.personas
    persona = await personas.get("personas/cold-carl")
    persona.display_name = "Before"
    own = await personas.create(persona)
    started = await stage.client.conversations.start(stage.spec(persona=own.name), create_only=True)

    own.display_name = "After"
    await personas.update(own, fields=["display_name"])
    await stage.client.conversations.run(started.name)

    assert (await stage.over(started.name)).persona.display_name == "Before"


async def test_a_created_one_runs_only_after_run(stage: Theatre) -> None:
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


async def test_running_a_conversation_again_changes_nothing(stage: Theatre) -> None:
    held = Held()
    started = await stage.client.conversations.start(stage.spec(Script(persona=[held, leaves()])))
    await held.begun.wait()
    assert (await stage.client.conversations.run(started.name)).state == State.STATE_GENERATING

    held.released.set()

    done = await stage.over(started.name)
    assert await stage.client.conversations.run(started.name) == done


async def test_tools_that_the_agent_calls_at_once_are_all_called_before_the_first_answers(stage: Theatre) -> None:
    twice = ChatReply("Let me look.", 2 * calls("find_order", order="O-7").calls)

    done = await stage.play(Script(persona=[leaves()], agent=[twice, says("Found.")]), source=stage.source)

    events = (await stage.events(done.name))[4:]
    assert kinds(events)[:6] == ["agent_message", *2 * ["tool_call"], *2 * ["tool_result"], "agent_message"]
    asked, answered = [e.tool_call.call_id for e in events[1:3]], [e.tool_result.call_id for e in events[3:5]]
    assert asked == answered
    assert len(set(asked)) == 2


async def test_a_call_whose_arguments_are_not_json_is_answered_with_an_error_and_the_agent_goes_on(
    stage: Theatre,
) -> None:
    broken = ToolRequest("refund", problem="The arguments must be one JSON object.")
    both = ChatReply(calls=(broken, *calls("find_order", order="O-7").calls))

    done = await stage.play(Script(persona=[says("Hi."), leaves()], agent=[both, says("Done.")]), source=stage.source)

    assert done.state == State.STATE_COMPLETED
    results = {
        e.tool_result.tool: e.tool_result.answer for e in await stage.events(done.name) if kinds([e]) == ["tool_result"]
    }
    assert results["refund"].error.code == "INVALID_ARGUMENTS"
    assert results["refund"].error.message == broken.problem
    assert not results["find_order"].HasField("error")


async def test_persona_and_agent_may_have_different_models_and_each_event_names_the_model_that_made_it(
    stage: Theatre,
) -> None:
    done = await stage.play(Script(persona=[says("Hi."), leaves()]), agent_model="another")

    events = await stage.events(done.name)
    assert [event.model_call.model for event in events[2:4]] == ["offline", "another"]
    assert len(events[2].model_call.prompt) == 12
