"""What a persona thinks is stored with what it says, and no agent sees it."""

import json
from collections.abc import AsyncIterator

import pytest

from greenroom.synthesizer.v1 import conversation_pb2
from greenroom.type.v1.event_pb2 import FAULT_PERSONA_MODEL, PersonaThoughts
from shared.llm.base import ModelUnavailable
from tests.contract import batches
from tests.contract.agents import Agent, served
from tests.scripted import Script, State, Theatre, answers, kinds, leaves, persona_json, says, texts

CANARY = "a canary sang in the mine"
THINKING = answers(persona_json("Where is it?", reasoning=CANARY))


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    servicer = Agent()
    async with served(servicer):
        yield servicer


async def test_they_are_told_with_the_event(stage: Theatre) -> None:
    done = await stage.play(Script(persona=[THINKING, leaves()]))

    said = [event for event in await stage.events(done.name) if event.HasField("user_message")]
    assert said[0].thoughts == PersonaThoughts(
        reasoning=CANARY, sentiment=PersonaThoughts.SENTIMENT_NEUTRAL, likely_to_convert=50
    )
    assert all(event.HasField("thoughts") for event in said)


async def test_no_agent_receives_them_not_even_in_a_replay(stage: Theatre, agent: Agent) -> None:
    script = Script(persona=[THINKING, says("And now?"), leaves()])
    done = await stage.play(script, agent=agent.target)
    based_on = conversation_pb2.BasedOn(conversation=done.name, seq=done.last_seq - 2)
    await stage.play(Script(persona=[says("Once more?"), leaves()]), persona="", procedure="", based_on=based_on)
    built_in = Script(persona=[THINKING, says("And now?"), leaves()])
    await stage.play(built_in)

    received = [request.SerializeToString() for request in agent.asked]
    assert len(received) == 3
    told = [request for request in built_in.asked if request.output is None]
    assert len(told) == 2
    for one in (*received, *(repr(request).encode() for request in told)):
        assert b"Where is it?" in one
        assert CANARY.encode() not in one
        assert b"NEUTRAL" not in one


async def test_an_answer_that_is_no_reply_is_asked_for_again_once_and_both_are_paid(stage: Theatre) -> None:
    script = Script(persona=[answers("Hello there!"), says("Hello."), leaves()])

    done = await stage.play(script)

    assert done.state == State.STATE_COMPLETED
    events = await stage.events(done.name)
    assert texts(events)[0] == "Hello."
    assert events[2].usage.model_calls == 2
    first, second = script.asked[:2]
    assert (first.repeat, second.repeat, first.seq, second.seq) == (0, 1, 3, 3)
    assert second.messages[-2].text == "Hello there!"


async def test_a_broken_reply_is_repaired_when_asking_again_did_not_help(stage: Theatre) -> None:
    fenced = answers(f"```json\n{persona_json('Hello.')}\n```")

    done = await stage.play(Script(persona=[fenced, fenced, leaves()]))

    assert texts(await stage.events(done.name))[0] == "Hello."


async def test_a_model_that_never_replies_as_it_should_fails_the_conversation_with_its_words(stage: Theatre) -> None:
    prose = answers("I am a helpful assistant.")

    failed = await stage.play(Script(persona=[prose]))

    assert (failed.state, failed.ended.reason) == (State.STATE_FAILED, "PERSONA_REPLY_UNUSABLE")
    assert failed.ended.fault == FAULT_PERSONA_MODEL
    assert "I am a helpful assistant." in failed.ended.detail
    assert kinds(await stage.events(failed.name))[2:] == ["ended"]
    assert failed.usage.model_calls == 2, "what cannot be used was paid for all the same"


async def test_an_outage_while_asking_again_is_no_fault_of_the_persona(stage: Theatre) -> None:
    down = ModelUnavailable(model="scripted", why="it is down")

    failed = await stage.play(Script(persona=[answers("What?"), down]))

    assert failed.ended.reason == "MODEL_UNAVAILABLE"
    assert failed.ended.fault != FAULT_PERSONA_MODEL


async def test_an_export_has_them(stage: Theatre) -> None:
    done = await batches.play(stage, Script(persona=[THINKING, leaves()]), size=1)

    exported = b"".join([response.chunk async for response in stage.client.batches.export(done.name)])

    said = [event for event in json.loads(exported)["events"] if "user_message" in event]
    assert said[0]["thoughts"] == {"reasoning": CANARY, "sentiment": "SENTIMENT_NEUTRAL", "likely_to_convert": 50}
