"""The formats star and tau2: what cannot be read is named, and the rest is kept."""

import json
from collections.abc import Iterable
from typing import Any

from services.synthesizer.adapters.formats import read_personas, read_procedures, read_sources
from services.synthesizer.imports.model import Problem
from shared.model.events import ToolCall, ToolError, ToolResult


def told(items: Iterable[Any]) -> list[str]:
    return [f"{one.line} {one.reason}: {one.description}" for one in items if isinstance(one, Problem)]


def test_turns_of_star_that_cannot_be_read_are_named_and_the_others_are_kept() -> None:
    turns = [
        {"role": "user", "action": "utter", "text": "Is it sunny?", "t": 3},
        {"role": "api", "action": "return_item", "api": "weather", "result": {}},
        {"role": "agent", "action": "dance"},
        {"role": "agent", "action": "query", "api": "weather", "args": [{"Day": 'api.is_equal_to("Friday ")'}], "t": 5},
        {"role": "api", "action": "return_item", "api": "weather", "result": {"Weather": "Sunny"}, "total": 2},
    ]

    items = list(read_sources("star", [json.dumps({"id": "s", "tasks": ["weather"], "turns": turns}).encode()]))

    assert told(items) == [
        "1 NO_SUCH_CALL: turns[1] answers a call of 'weather' that is not before it. The turn was left out.",
        "1 UNKNOWN_ACTION: turns[2] has the unknown action 'dance' of 'agent'. The turn was left out.",
    ]
    source = items[-1]
    assert not isinstance(source, Problem)
    assert (source.procedure_external_id, source.finished, [event.at for event in source.events]) == (
        "star/weather",
        False,
        [3_000, 5_000, 5_000],
    )
    call, result = source.events[1].body, source.events[2].body
    assert isinstance(call, ToolCall)
    assert call.arguments == {"Day": "Friday"}
    assert isinstance(result, ToolResult)
    assert (result.call_id, result.answer.value) == (call.call_id, {"Weather": "Sunny", "total": 2})


def test_graphs_that_no_procedure_can_have_are_refused() -> None:
    task = {"task": "t", "graph": {"hello": "query", "query": "bye"}, "replies": {}, "api": {"input": [], "output": []}}
    endless = {"hello": "say_0", **{f"say_{number}": f"say_{number + 1}" for number in range(300)}}
    changed: list[dict[str, Any]] = [{"graph": {"a": "b"}}, {"graph": endless}, {"task": "no tool"}, {"api": None}]

    refused = list(read_procedures("star", [json.dumps({**task, **more}).encode() for more in changed]))

    assert [line.partition(":")[0] for line in told(refused)] == [
        "1 NO_START",
        "2 TOO_MANY",
        "3 INVALID_PROCEDURE",
        "4 WRONG_TYPE",
    ]


def test_messages_of_tau2_that_cannot_be_read_are_named_and_errors_are_errors() -> None:
    messages = [
        {"role": "user", "content": "Cancel it."},
        {"role": "tool", "content": "yes"},
        {"role": "assistant", "tool_calls": [{"name": "cancel", "arguments": {"order": "7"}}]},
        {"role": "tool", "content": "Error: It was sent."},
    ]

    items = list(read_sources("tau2", [json.dumps({"id": 4, "domain": "shop", "messages": messages}).encode()]))

    assert told(items) == [
        "1 NO_SUCH_CALL: messages[1] answers a call that is not before it. The message was left out."
    ]
    assert not isinstance(items[-1], Problem)
    result = items[-1].events[-1].body
    assert isinstance(result, ToolResult)
    assert result.answer.error == ToolError("ERROR", "It was sent.")


def test_a_task_of_tau2_may_say_its_instructions_in_one_text() -> None:
    task = {"id": "9", "user_scenario": {"instructions": "You want your money back."}}

    [persona] = read_personas("tau2", [json.dumps(task).encode()])

    assert not isinstance(persona, Problem)
    assert (persona.persona.display_name, persona.persona.goal) == ("task 9", "You want your money back.")
