"""Personas from files of tasks: whole lines only, each once, with expected calls that nobody in a conversation sees."""

import json
from typing import Any

from google.protobuf.json_format import MessageToDict

from tests.scripted import Script, Theatre, refused, says


def task(number: str, **more: Any) -> str:
    """A line of the format tau2: Robin wants a lamp taken back, and the agent should do it."""
    instructions = {
        "domain": "lamps",
        "reason_for_call": "You want to send the lamp back.",
        "known_info": "You are Robin.",
        "task_instructions": "You are brief.",
    }
    action = {"name": "refund", "arguments": {"order": "SECRET-7"}}
    scenario = {"persona": None, "instructions": instructions}
    criteria = {"actions": [action, {**action, "requestor": "user"}]}
    return json.dumps({"id": number, "user_scenario": scenario, "evaluation_criteria": criteria, **more})


async def imported(stage: Theatre, *lines: str) -> Any:
    file = stage.folder / "tasks.jsonl"
    file.write_text("".join(line + "\n" for line in lines))
    return await stage.client.personas.import_file(file)


async def persona_called(stage: Theatre, name: str) -> Any:
    [found] = [one async for one in stage.client.personas.list() if one.display_name == name]
    return found


async def test_a_task_becomes_a_persona_once_and_bad_lines_are_named(stage: Theatre) -> None:
    bad = task("b", user_scenario={"instructions": {"domain": "lamps"}})

    first = await imported(stage, task("1"), bad, task("2"), task("1"))
    again = await imported(stage, task("1"), task("2"))

    assert (first.imported, first.unchanged, first.refused) == (2, 1, 1)
    assert [(one.line, one.description) for one in first.problems] == [
        (2, "user_scenario.instructions.reason_for_call is missing; it should be text.")
    ]
    assert (again.imported, again.unchanged) == (0, 2)
    persona = await persona_called(stage, "lamps 1")
    assert (persona.goal, persona.description) == ("You want to send the lamp back. You are Robin.", "You are brief.")
    expected = [MessageToDict(call) for call in persona.expected_calls]
    assert expected == [{"tool": "refund", "arguments": {"order": "SECRET-7"}}]


async def test_neither_the_persona_nor_the_agent_is_told_the_expected_calls(stage: Theatre) -> None:
    await imported(stage, task("hidden"))
    persona = await persona_called(stage, "lamps hidden")
    script = Script(persona=[says("I want to send it back."), says("Thanks.")], agent=[says("Done.")])

    await stage.play(script, persona=persona.name, max_turns=2)

    assert {type(asked.brief).__name__ for asked in script.asked} == {"PersonaBrief", "AgentBrief"}
    assert any("send the lamp back" in repr(asked) for asked in script.asked)
    assert not any("SECRET-7" in repr(asked) for asked in script.asked)


async def test_a_format_without_personas_is_refused(stage: Theatre) -> None:
    file = stage.folder / "any.jsonl"
    file.write_text("{}\n")

    async with refused("INVALID_ARGUMENT", "UNKNOWN_FORMAT"):
        await stage.client.personas.import_file(file, format="abcd")
