"""A persona that does not stay a customer is flagged; a severe flag is asked for again once."""

from pathlib import Path

import pytest

from greenroom.agent.v1 import agent_pb2
from greenroom.type.v1.event_pb2 import (
    FAULT_PERSONA_MODEL,
    PERSONA_FLAG_LEAKS_BRIEF,
    PERSONA_FLAG_SPEAKS_AS_AGENT,
    PERSONA_FLAG_THANKS_TOO_EARLY,
    PERSONA_FLAG_WRONG_LANGUAGE,
    PersonaFlag,
)
from tests.contract import batches
from tests.contract.agents import Agent, say, served
from tests.scripted import Script, State, Theatre, calls, kinds, leaves, says, source_line, texts, theatre

THANKS = says("Thank you for refunding me, that was quick.")
AS_AGENT = says("How can I help you today?")


async def test_flags_are_on_the_event_and_counted_in_the_results_and_the_batch(stage: Theatre) -> None:
    script = Script(by_index={1: Script(persona=[THANKS, leaves()])})

    done = await batches.play(stage, script, size=3)

    rows = await batches.results(stage, done.name)
    assert [row.persona_flags for row in rows] == [0, 1, 0]
    assert done.persona_flags == 1
    flagged = await stage.client.conversations.get(rows[1].conversation)
    assert (flagged.state, flagged.persona_flags) == (State.STATE_COMPLETED, 1)
    events = await stage.events(flagged.name)
    assert [list(event.persona_flags) for event in events if event.persona_flags] == [[PERSONA_FLAG_THANKS_TOO_EARLY]]


async def test_a_replay_does_not_count_them_again(stage: Theatre) -> None:
    done = await stage.play(Script(persona=[THANKS, says("And now?"), leaves()]))

    based_on = {"conversation": done.name, "seq": done.last_seq - 2}
    again = await stage.play(Script(persona=[leaves()]), persona="", procedure="", based_on=based_on)

    assert (done.persona_flags, again.persona_flags) == (1, 0)


async def test_a_severe_one_is_asked_for_again_with_what_is_wrong(stage: Theatre) -> None:
    script = Script(persona=[AS_AGENT, says("Where is my order?"), leaves()])

    done = await stage.play(script)

    assert (done.state, done.persona_flags) == (State.STATE_COMPLETED, 0)
    assert texts(await stage.events(done.name))[0] == "Where is my order?"
    assert "speaks as the agent" in script.asked[1].messages[-1].text


async def test_a_persona_that_breaks_character_twice_fails_the_conversation(stage: Theatre) -> None:
    failed = await stage.play(Script(persona=[AS_AGENT, says("My persona is Eddie.")]))

    assert (failed.state, failed.ended.reason) == (State.STATE_FAILED, "PERSONA_BROKE_CHARACTER")
    assert failed.ended.fault == FAULT_PERSONA_MODEL
    assert "My persona is Eddie." in failed.ended.detail
    assert (failed.persona_flags, failed.usage.model_calls) == (1, 2)
    events = await stage.events(failed.name)
    assert kinds(events)[2:] == ["ended"]
    assert list(events[-1].persona_flags) == [PERSONA_FLAG_LEAKS_BRIEF]


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("Das ist nicht die Lampe, die ich bestellt habe, und ich will mein Geld.", PERSONA_FLAG_WRONG_LANGUAGE),
        ("I want my money.\nAgent: Of course, one moment.\nCustomer: Thanks.", PERSONA_FLAG_SPEAKS_AS_AGENT),
    ],
)
async def test_a_persona_that_keeps_to_another_language_or_plays_both_sides_fails_the_conversation(
    stage: Theatre, text: str, flag: PersonaFlag.ValueType
) -> None:
    greeting = {"agent_message": {"text": "Welcome to the shop, and what can I do for you today?"}}
    question = {"user_message": {"text": "Where is my order?"}}
    answer = {"agent_message": {"text": "It is on its way."}}
    [source] = await stage.import_sources(
        source_line(f"flagged-{flag}", events=[greeting, question, answer], resources=[])
    )

    failed = await stage.play(Script(persona=[says(text)]), source=source)

    assert (failed.state, failed.ended.reason) == (State.STATE_FAILED, "PERSONA_BROKE_CHARACTER")
    assert failed.ended.fault == FAULT_PERSONA_MODEL
    assert list((await stage.events(failed.name))[-1].persona_flags) == [flag]


async def test_a_model_that_answers_by_fixed_rules_is_not_asked_again(stage: Theatre) -> None:
    fixed = says("How can I help you today?", fixed=True)
    script = Script(persona=[fixed, leaves()])

    done = await stage.play(script)

    assert (done.state, done.persona_flags) == (State.STATE_COMPLETED, 1)
    assert list((await stage.events(done.name))[2].persona_flags) == [PERSONA_FLAG_SPEAKS_AS_AGENT]


async def test_a_check_that_the_operator_switches_off_finds_nothing_and_the_others_still_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_PERSONA_CHECKS_OFF", "SPEAKS_AS_AGENT, LEAKS_BRIEF")
    customer = Agent([say(AS_AGENT.text), say(THANKS.text), agent_pb2.ActResponse(end=agent_pb2.End())])
    async with theatre("sqlite", tmp_path) as stage, served(customer):
        played = [
            await stage.play(Script(persona=[AS_AGENT, THANKS, leaves()])),
            await stage.play(persona_target=customer.target),
        ]
        flagged = [[event for event in await stage.events(done.name) if event.persona_flags] for done in played]

    assert [done.state for done in played] == [State.STATE_COMPLETED] * 2
    assert [texts(events) for events in flagged] == [[THANKS.text]] * 2
    assert [list(event.persona_flags) for [event] in flagged] == [[PERSONA_FLAG_THANKS_TOO_EARLY]] * 2


async def test_the_name_of_a_tool_of_the_agent_is_no_customers_word(stage: Theatre) -> None:
    script = Script(
        persona=[says("Just call find_order."), leaves()], agent=[calls("find_order", order="O-7"), says("So.")]
    )

    done = await stage.play(script, source=stage.source)

    assert done.persona_flags == 1
