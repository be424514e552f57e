"""Manual conversations whose other side is played: a person talks to the agent, or is the agent."""

import asyncio
from collections.abc import Sequence
from typing import Any

from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.type.v1.event_pb2 import AgentMessage, Event, ToolCall, UserMessage
from tests.contract.http_agents import bot, whole
from tests.scripted import Script, State, Theatre, calls, kinds, leaves, refused, refuses, says, texts


async def opened(stage: Theatre, script: Script | None = None, **fields: Any) -> str:
    spec = stage.spec(script, type=pb.CONVERSATION_TYPE_MANUAL, **fields)
    return (await stage.client.conversations.start(spec)).name


async def says_user(stage: Theatre, name: str, text: str) -> None:
    await stage.client.conversations.append(name, [Event(user_message=UserMessage(text=text))])


async def played(stage: Theatre, name: str, plays: pb.Side.ValueType = pb.SIDE_USER) -> Sequence[Event]:
    """What the other side does until it is the turn of the caller's."""
    events: list[Event] = []
    while step := await stage.client.conversations.play(name, plays=plays):
        events += step
        if events[-1].HasField("ended"):
            break
    return events


async def test_the_agent_answers_a_person_and_its_tools_are_mocked(stage: Theatre) -> None:
    agent = [calls("find_order", order="O-7"), says("It was sent."), says("You are welcome.")]
    name = await opened(stage, Script(agent=agent), source=stage.source)

    answer = await played(stage, name)
    assert kinds(answer) == ["tool_call", "tool_result", "agent_message"]
    assert answer[1].tool_result.answer.value.struct_value["state"] == "sent"
    assert await stage.client.conversations.play(name) == ()

    await says_user(stage, name, "Thanks.")
    assert texts(await played(stage, name)) == ["You are welcome."]
    got = await stage.client.conversations.get(name)
    assert (got.state, got.turns, got.usage.model_calls) == (State.STATE_OPEN, 1, 3)


async def test_a_person_is_the_agent_of_a_persona_that_leaves(stage: Theatre) -> None:
    name = await opened(stage, Script(persona=[says("Where is O-7?"), leaves("Bye.")]))
    append = stage.client.conversations.append

    assert texts(await played(stage, name, pb.SIDE_AGENT)) == ["Where is O-7?"]
    call = Event(tool_call=ToolCall(call_id="mine", tool="refund"))
    await append(name, [call])
    async with refused("FAILED_PRECONDITION", "TURN_FAILED") as errors:
        await stage.client.conversations.play(name, plays=pb.SIDE_AGENT)
    assert "No mock answers this call of refund" in str(errors[0])
    await append(name, [Event(agent_message=AgentMessage(text="On its way."))])
    end = await played(stage, name, pb.SIDE_AGENT)

    assert kinds(end) == ["user_message", "ended"]
    assert (await stage.client.conversations.get(name)).state == State.STATE_COMPLETED


async def test_an_agent_of_its_own_answers_a_person(stage: Theatre) -> None:
    async with bot() as web:
        web.answers = [whole({"say": {"text": "It was sent."}})]
        target = pb.AgentTarget(http=pb.HttpAgent(url=f"{web.address}/act"))
        name = await opened(stage, procedure="", agent=target)
        await says_user(stage, name, "Where is O-7?")

        assert texts(await played(stage, name)) == ["It was sent."]


async def test_a_person_goes_on_in_a_rehearsal(stage: Theatre) -> None:
    rehearsal = await stage.play(Script(persona=[says("Is it blue?"), leaves()]), source=stage.source)
    asked = next(one for one in await stage.events(rehearsal.name) if one.user_message.text == "Is it blue?")
    based_on = pb.BasedOn(conversation=rehearsal.name, seq=asked.seq)
    name = await opened(stage, Script(agent=[says("It is red.")]), based_on=based_on)

    assert texts(await played(stage, name)) == ["It is red."]


async def test_a_step_that_fails_stores_nothing_and_can_be_tried_again(stage: Theatre) -> None:
    name = await opened(stage, Script(agent=[refuses(), says("Here I am.")]))
    await says_user(stage, name, "Hello?")

    async with refused("FAILED_PRECONDITION", "TURN_FAILED") as errors:
        await stage.client.conversations.play(name)
    assert "it was told to" in str(errors[0])

    assert texts(await played(stage, name)) == ["Here I am."]
    assert texts(await stage.events(name)) == ["Hello?", "Here I am."]


async def test_a_step_whose_answer_was_lost_is_told_again_and_not_played_twice(stage: Theatre) -> None:
    script = Script(agent=[says("One."), says("Two.")])
    name = await opened(stage, script)
    await says_user(stage, name, "Hello?")
    play = stage.client.conversations.play

    first = await play(name, after_seq=2)
    assert await play(name, after_seq=2) == first
    assert await play(name, after_seq=3) == ()
    assert len(script.asked) == 1


async def test_many_calls_at_once_play_one_step(stage: Theatre) -> None:
    name = await opened(stage, Script(agent=[says("Yes?")]))
    await says_user(stage, name, "Hello?")

    await asyncio.gather(*(stage.client.conversations.play(name, after_seq=2) for _ in range(5)))

    assert texts(await stage.events(name)) == ["Hello?", "Yes?"]


async def test_a_conversation_that_is_over_not_manual_or_names_no_sides_is_not_played(stage: Theatre) -> None:
    synthetic = await stage.client.conversations.start(stage.spec(), create_only=True)
    over = await opened(stage)
    await stage.client.conversations.finish(over)
    for name in (synthetic.name, over):
        async with refused("FAILED_PRECONDITION", "CONVERSATION_NOT_OPEN"):
            await stage.client.conversations.play(name)

    for missing in ("persona", "procedure"):
        fields: dict[str, Any] = {missing: ""}
        name = await opened(stage, **fields)
        async with refused("FAILED_PRECONDITION", "CONVERSATION_NOT_PLAYABLE") as errors:
            await stage.client.conversations.play(name)
        assert f"names no {missing}" in str(errors[0])
