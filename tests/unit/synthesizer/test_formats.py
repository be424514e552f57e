"""What the readers of files promise: everything good comes in, everything else is named with its line."""

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesizer.adapters.formats import FORMATS, read_procedures, read_sources
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.catalog.errors import UnknownFormat
from services.synthesizer.catalog.records import Problem
from shared.model.events import AgentMessage, ToolCall, ToolResult, UserMessage
from shared.model.steps import Ask, Branch, Call


def source(**changes: Any) -> dict[str, Any]:
    return {
        "external_id": "s-1",
        "finished": True,
        "events": [{"user_message": {"text": "Hello"}}, {"agent_message": {"text": "Hi"}}],
        **changes,
    }


def dialogue(*turns: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"id": "d-1", "flow": "returns", "subflow": "lamp", "turns": list(turns), **changes}


def guideline(*steps: dict[str, Any], actions: tuple[str, ...]) -> dict[str, Any]:
    return {"flow": "f", "subflow": "s", "title": "T", "steps": list(steps), "kb_actions": list(actions)}


def step(button: str, text: str, *subtext: str) -> dict[str, Any]:
    return {"type": "interaction", "button": button, "text": text, "subtext": list(subtext)}


def lines(*records: Any) -> list[bytes]:
    return [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]


def one_source(format_name: str, record: Any) -> SourceRecord:
    (read,) = [item for item in read_sources(format_name, lines(record)) if isinstance(item, SourceRecord)]
    return read


def one_problem(format_name: str, record: Any) -> Problem:
    (problem,) = read_sources(format_name, lines(record))
    assert isinstance(problem, Problem)
    return problem


def compiled(*steps: dict[str, Any], actions: tuple[str, ...]) -> ProcedureRecord:
    (read,) = read_procedures("abcd", lines(guideline(*steps, actions=actions)))
    assert isinstance(read, ProcedureRecord), read
    return read


def test_bad_lines_are_named_and_the_rest_comes_in() -> None:
    items = list(read_sources("greenroom", lines(source(), b"{", b"", b"\xff", b"[]", source(external_id="s-2"))))

    assert [item.external_id for item in items if isinstance(item, SourceRecord)] == ["s-1", "s-2"]
    problems = [(item.line, item.reason) for item in items if isinstance(item, Problem)]
    assert problems == [(2, "BAD_JSON"), (3, "BLANK_LINE"), (4, "BAD_UTF8"), (5, "NOT_AN_OBJECT")]


def test_an_empty_file_is_a_problem() -> None:
    (problem,) = read_sources("greenroom", [])
    assert isinstance(problem, Problem)
    assert (problem.line, problem.reason) == (1, "EMPTY_FILE")


def test_an_id_that_is_repeated_is_refused_with_the_line_of_the_first() -> None:
    first, second = read_sources("greenroom", lines(source(), source()))
    assert isinstance(first, SourceRecord)
    assert isinstance(second, Problem)
    assert second.reason == "DUPLICATE_ID"
    assert "line 1" in second.description


@pytest.mark.parametrize(
    ("change", "reason", "named"),
    [
        ({"finnished": True}, "UNKNOWN_FIELD", "did you mean `finished`"),
        ({"events": [{"user_mesage": {"text": "x"}}]}, "UNKNOWN_FIELD", "did you mean `user_message`"),
        ({"events": [{}]}, "ONE_KIND", "events[0]"),
        ({"events": "none"}, "WRONG_TYPE", "events"),
        ({"external_id": 7}, "WRONG_TYPE", "external_id"),
        ({"external_id": ""}, "MISSING_FIELD", "external_id"),
        ({"events": [{"user_message": {"text": "a\0b"}}]}, "BAD_TEXT", "events[0].user_message.text"),
        ({"events": [{"user_message": {"text": "a"}, "virtual_time": "yesterday"}]}, "BAD_TIME", "virtual_time"),
        ({"events": [{"tool_result": {"call_id": "c", "tool": "t", "answer": {"value": 1}}}]}, "NO_SUCH_CALL", "'c'"),
        ({"resources": [{"type": "order", "id": "1", "appeared_after": -1}]}, "WRONG_TYPE", "appeared_after"),
    ],
)
def test_a_field_that_is_wrong_is_named(change: dict[str, Any], reason: str, named: str) -> None:
    problem = one_problem("greenroom", source(**change))
    assert problem.reason == reason
    assert named in problem.description


def test_a_source_keeps_its_times_its_calls_and_when_its_resources_appeared() -> None:
    read = one_source(
        "greenroom",
        source(
            events=[
                {"user_message": {"text": "Hello"}, "virtual_time": "2026-01-05T09:00:00Z"},
                {"tool_call": {"call_id": "c", "tool": "find", "arguments": {"id": "7"}}},
                {"tool_result": {"call_id": "c", "tool": "find", "answer": {"error": {"code": "NOT_FOUND"}}}},
            ],
            resources=[{"type": "order", "id": "7", "data": {"a": 1}, "appeared_after": 2}],
            procedure="returns",
        ),
    )
    assert [event.seq for event in read.events] == [1, 2, 3]
    assert read.events[1].at - read.events[0].at == 60_000
    assert isinstance(read.events[2].body, ToolResult)
    assert read.events[2].body.answer.error is not None
    assert read.resources[0].appeared_after == 2
    assert read.procedure_external_id == "returns"


def test_labels_of_a_dialogue_are_never_content() -> None:
    turn = {"i": 0, "role": "customer", "text": "Hello"}
    record = dialogue(turn, label_raw="secret-label", expected_actions=["secret-action"], official_split="secret-split")
    read = one_source("abcd", record)
    assert read.procedure_external_id == "returns/lamp"
    assert "secret" not in repr(read)
    assert "returns" not in repr(read.events)


def test_turns_on_end_stay_apart_and_an_action_becomes_a_call_and_its_result() -> None:
    read = one_source(
        "abcd",
        dialogue(
            {"role": "agent", "text": "Hi"},
            {"role": "customer", "text": "Hello"},
            {"role": "customer", "text": "I am Ada Byron"},
            {"role": "action", "text": "Pulled up.", "action": "pull-up-account", "values": ["Ada Byron"]},
            {"role": "action", "text": "Checked.", "action": "ask-the-oracle", "values": []},
        ),
    )
    bodies = [event.body for event in read.events]
    assert [type(body) for body in bodies[:3]] == [AgentMessage, UserMessage, UserMessage]
    calls = [(body.tool, body.arguments) for body in bodies if isinstance(body, ToolCall)]
    assert calls == [("pull-up-account", {"full_name": "Ada Byron"}), ("ask-the-oracle", {})]
    assert sum(isinstance(body, ToolResult) for body in bodies) == 2


def test_a_turn_that_is_no_event_is_reported_and_the_rest_of_its_line_comes_in() -> None:
    record = dialogue({"role": "customer", "text": "Hi"}, {"role": "action", "text": "x", "action": "(solution-tip)"})
    problem, read = read_sources("abcd", lines(record))
    assert isinstance(problem, Problem)
    assert (problem.reason, problem.partial) == ("UNKNOWN_ACTION", True)
    assert isinstance(read, SourceRecord)
    assert len(read.events) == 1


def test_guideline_prose_becomes_questions_and_a_call_that_take_either_of_two_answers() -> None:
    read = compiled(step("Find Account", "Get Full Name or Account ID for [Find Account]"), actions=("find-account",))
    name, branch, account, call, *_ = read.steps
    assert isinstance(name, Ask)
    assert isinstance(branch, Branch)
    assert isinstance(account, Ask)
    assert isinstance(call, Call)
    assert "full name or your account ID" in name.question
    assert branch.then == call.id
    assert call.arguments == {"full_name": "full_name", "account_id": "account_id"}
    assert set(read.tools[0].arguments_schema["properties"]) == {"full_name", "account_id"}


def test_guideline_options_become_an_enumeration_and_what_is_always_entered_a_constant() -> None:
    read = compiled(
        step("Update Order", "How to return it", "Options include: 'Van', 'On Foot', or 'Balloon'"),
        step("Notify Team", "Let them know", "Enter 'night shift' into the box"),
        actions=("update-order", "notify-team"),
    )
    options, constant = [step.schema for step in read.steps if isinstance(step, Ask)]
    assert options["enum"] == ["Van", "On Foot", "Balloon"]
    assert constant["const"] == "night shift"


def test_some_of_many_answers_are_enough_for_a_guideline_that_says_so() -> None:
    read = compiled(
        step("Verify", "Ask for 2 out of 3 of these", "Zip Code", "Phone Number", "Email Address"), actions=("verify",)
    )
    (branch,) = [step for step in read.steps if isinstance(step, Branch)]
    assert ".size() >= 2" in branch.condition


def test_an_unknown_format_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownFormat, match="greenroom and abcd"):
        read_sources("csv", [])


def test_records_can_go_to_another_process_and_back() -> None:
    assert pickle.loads(pickle.dumps(one_source("greenroom", source()))).external_id == "s-1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = "external_id finished events resources id turns role text action values flow subflow steps tools title button"
NAMES = st.sampled_from(FIELDS.split())


@pytest.mark.parametrize("format_name", FORMATS)
@given(record=st.dictionaries(NAMES, JSON, max_size=8), rubbish=st.binary(max_size=40))
def test_no_line_makes_a_reader_fail_and_each_is_answered(format_name: str, record: Any, rubbish: bytes) -> None:
    for read in (read_sources, read_procedures):
        for line in lines(record, rubbish):
            items = list(read(format_name, [line]))
            assert items
            assert all(item.line == 1 for item in items)
