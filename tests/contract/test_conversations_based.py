"""Conversations that replay another one up to an event and continue from there."""

from typing import Any

from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.synthesizer.v1 import procedure_pb2, tool_config_pb2
from tests.contract.http_agents import Bot, bot, whole
from tests.scripted import Script, Theatre, calls, leaves, procedure_line, refused, says, texts


async def test_a_conversation_replays_its_base_up_to_an_event(stage: Theatre) -> None:
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


async def test_new_calls_after_a_replay_have_new_ids(stage: Theatre) -> None:
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


async def test_a_replay_goes_on_under_another_revision_and_as_another_persona(stage: Theatre) -> None:
    [procedure] = await stage.import_procedures(procedure_line("replayed"))
    base = await stage.play(Script(agent=[says("One moment.")]), procedure=procedure)
    said = next(event for event in await stage.events(base.name) if event.HasField("agent_message"))
    newer = procedure_pb2.Revision(instructions="Always say please.", tools=[procedure_pb2.Tool(name="apologize")])
    await stage.client.procedures.add_revision(procedure, newer, ready=True)
    script = Script(persona=[says("And now?"), leaves()], agent=[says("Please wait.")])
    other: dict[str, Any] = {"procedure": procedure, "revision": 2, "persona": "personas/skeptical-sarah"}

    done = await stage.play(script, based_on=pb.BasedOn(conversation=base.name, seq=said.seq), **other)

    assert (base.spec.revision, done.spec.revision, done.persona.display_name) == (1, 2, "Skeptical Sarah")
    assert texts(await stage.events(done.name)) == ["Hello.", "One moment.", "And now?", "Please wait.", ""]
    as_persona, as_agent, *_ = script.asked
    assert "Skeptical Sarah" in as_persona.system
    assert "Always say please." in as_agent.system
    assert "apologize" in {tool.name for tool in as_agent.tools}
    assert [message.text for message in as_agent.messages] == ["Hello.", "One moment.", "And now?"]


async def test_the_session_of_an_agent_is_handed_to_no_other(stage: Theatre) -> None:
    async with bot() as first, bot() as second:
        for web in (first, second):
            web.answers = [whole({"say": {"text": "Hi."}, "session": "bWluZQ=="})]
        base = await stage.play(agent=webhook(first), max_turns=1)
        replay = pb.BasedOn(conversation=base.name, seq=base.last_seq)

        await stage.play(based_on=replay, max_turns=1)
        await stage.play(based_on=replay, agent=webhook(second), max_turns=1)

    assert [body.get("session") for body in first.bodies] == [None, "bWluZQ=="]
    assert [body.get("session") for body in second.bodies] == [None]


def webhook(web: Bot) -> pb.AgentTarget:
    return pb.AgentTarget(http=pb.HttpAgent(url=f"{web.address}/act"))
