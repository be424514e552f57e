"""A request in the form that all vendors take."""

from dataclasses import replace
from typing import Any

import pytest

from shared.llm.base import ChatRequest, Message, ToolRequest
from shared.llm.briefs import AgentBrief
from shared.llm.dialogue import dialogue
from shared.model.steps import Tool

REQUEST = ChatRequest("acme:org/small:7b", " You help. ", (), (), 1, 0, 1, AgentBrief("", ()))
USER, SAID = Message("user", "Hi."), Message("assistant", "Hello.")


def called(call_id: str, tool: str = "find") -> Message:
    """The assistant calls a tool."""
    return Message("assistant", call=ToolRequest(tool, {}, call_id))


def result(call_id: str, value: Any = "ok") -> Message:
    """A tool answers."""
    return Message("tool", result=value, call_id=call_id)


@pytest.mark.parametrize(
    ("messages", "turns"),
    [
        ([], ["user (The conversation begins.)"]),
        ([SAID], ["user (The conversation begins.)", "assistant Hello.", "user (no answer)"]),
        ([USER, USER], ["user Hi.\n\nHi."]),
        ([USER, SAID, called("a")], ["user Hi.", "assistant Hello. call_1", 'tool call_1="NO_ANSWER"']),
        ([USER, result("lost"), USER], ["user Hi.", "user Hi."]),
        (
            [USER, called("a"), called("b"), result("b"), result("x"), USER],
            ["user Hi.", "assistant  call_1 call_2", 'tool call_1="NO_ANSWER" call_2="ok"', "user Hi."],
        ),
        (
            [USER, called("a"), USER, called("a"), result("a")],
            [
                "user Hi.",
                "assistant  call_1",
                'tool call_1="NO_ANSWER"',
                "user Hi.",
                "assistant  call_2",
                'tool call_2="ok"',
            ],
        ),
        ([Message("user", " ")], ["user (no answer)"]),
    ],
)
def test_turns_are_the_users_and_the_models_in_turn_and_every_call_has_a_result(
    messages: list[Message], turns: list[str]
) -> None:
    told = dialogue(replace(REQUEST, messages=messages))

    def shown(content: str) -> str:
        return '"NO_ANSWER"' if "NO_ANSWER" in content else content

    assert turns == [
        " ".join(
            [
                f"{turn.role} {turn.text}".rstrip() if turn.results else f"{turn.role} {turn.text}",
                *(call.id for call in turn.calls),
                *(f"{one.id}={shown(one.content)}" for one in turn.results),
            ]
        )
        for turn in told.turns
    ]
    assert (told.model, told.system) == ("org/small:7b", "You help.")


def test_a_tool_has_a_name_that_all_vendors_accept_and_the_same_one_in_earlier_calls() -> None:
    tools = (Tool("orders.find"), Tool("orders_find"), Tool("x" * 65))
    messages = (USER, called("a", "orders.find"), result("a"))

    told = dialogue(replace(REQUEST, tools=tools, messages=messages))

    names = [tool.name for tool in told.tools]
    assert [told.names[name] for name in names] == [tool.name for tool in tools]
    assert len({*names}) == 3
    assert all(len(name) <= 64 and "." not in name for name in names)
    assert told.turns[1].calls[0].tool == told.turns[2].results[0].tool == names[0]
