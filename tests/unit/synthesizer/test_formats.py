"""Readers of files: good lines are read, and bad ones are named with their number."""

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesizer.adapters.formats import FORMATS, read_procedures, read_sources
from services.synthesizer.adapters.formats.chats import digest
from services.synthesizer.adapters.formats.fields import parsed
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.imports.errors import UnknownFormat
from services.synthesizer.imports.model import Problem
from services.synthesizer.sources.documents import pack_source, shorten_source, unpack_source_events
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


def test_bad_lines_are_named_and_the_rest_is_read() -> None:
    items = list(read_sources("greenroom", lines(source(), b"{", b"", b"\xff", b"[]", source(external_id="s-2"))))

    assert [item.external_id for item in items if isinstance(item, SourceRecord)] == ["s-1", "s-2"]
    problems = [(item.line, item.reason) for item in items if isinstance(item, Problem)]
    assert problems == [(2, "BAD_JSON"), (3, "BLANK_LINE"), (4, "BAD_UTF8"), (5, "NOT_AN_OBJECT")]


def test_a_byte_order_mark_is_read_also_in_the_middle_of_joined_files() -> None:
    marked = [b"\xef\xbb\xbf" + line for line in lines(source(), source(external_id="s-2"))]

    items = list(read_sources("greenroom", marked))

    assert [item.external_id for item in items if isinstance(item, SourceRecord)] == ["s-1", "s-2"]


def test_an_empty_file_is_a_problem() -> None:
    (problem,) = read_sources("greenroom", [])
    assert isinstance(problem, Problem)
    assert (problem.line, problem.reason) == (1, "EMPTY_FILE")


def test_a_repeated_id_is_refused_with_the_line_of_the_first() -> None:
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
        (
            {"events": [{"tool_call": {"call_id": "c", "tool": "t", "arguments": {"a": [1, {"id": 2**53 + 1}]}}}]},
            "VALUE_NOT_STORABLE",
            "events[0].tool_call.arguments.a[1].id has a whole number",
        ),
        (
            {"resources": [{"type": "order", "id": "1", "data": {"n": -(2**53)}}]},
            "VALUE_NOT_STORABLE",
            "resources[0].data.n has a whole number",
        ),
        ({"events": [{"tool_result": {"call_id": "c", "tool": "t", "answer": {"value": 1}}}]}, "NO_SUCH_CALL", "'c'"),
        ({"resources": [{"type": "order", "id": "1", "appeared_after": -1}]}, "WRONG_TYPE", "appeared_after"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], reason: str, named: str) -> None:
    problem = one_problem("greenroom", source(**change))
    assert problem.reason == reason
    assert named in problem.description


def called(call_id: str, tool: str = "find") -> dict[str, Any]:
    return {"tool_call": {"call_id": call_id, "tool": tool, "arguments": {}}}


def answered(call_id: str, tool: str = "find") -> dict[str, Any]:
    return {"tool_result": {"call_id": call_id, "tool": tool, "answer": {"value": 1}}}


@pytest.mark.parametrize(
    "events",
    [
        [called("c"), answered("c"), called("c"), answered("c")],
        [called("c"), called("c"), answered("c"), answered("c")],
        [called("c"), answered("c"), called("c", "refund"), answered("c", "refund")],
        [called("c"), called("c", "refund"), answered("c"), answered("c", "refund")],
        [called("c"), called("c"), answered("c")],
        [called("c"), answered("c"), answered("c")],
    ],
)
def test_a_call_id_may_be_used_again(events: list[dict[str, Any]]) -> None:
    assert len(one_source("greenroom", source(events=events)).events) == len(events)


@pytest.mark.parametrize(
    "events", [[answered("c")], [called("c"), answered("d")], [called("c"), answered("c", "refund")]]
)
def test_a_result_without_its_call_is_refused(events: list[dict[str, Any]]) -> None:
    assert one_problem("greenroom", source(events=events)).reason == "NO_SUCH_CALL"


def test_the_largest_exact_number_and_a_fraction_are_kept() -> None:
    arguments = {"n": 2**53 - 1, "least": 1 - 2**53, "rate": 0.1}
    events = [{"tool_call": {"call_id": "c", "tool": "find", "arguments": arguments}}]

    [event] = one_source("greenroom", source(events=events)).events

    assert isinstance(event.body, ToolCall)
    assert event.body.arguments == arguments


@pytest.mark.parametrize("number", ["9007199254740992", "-9007199254740993", "1e16", "18446744073709551615", "1e300"])
def test_a_number_that_a_double_cannot_tell_from_its_neighbours_is_refused_in_answers_and_patches(number: str) -> None:
    patch = f'{{"type": "o", "id": "1", "merge": {{"n": {number}}}}}'
    for answer in (f'"value": {{"n": [{number}]}}', f'"value": {number}', f'"value": 1, "patches": [{patch}]'):
        call = '{"tool_call": {"call_id": "c", "tool": "t"}}'
        result = f'{{"tool_result": {{"call_id": "c", "tool": "t", "answer": {{{answer}}}}}}}'
        events = f"[{call}, {result}]"
        problem = one_problem("greenroom", f'{{"external_id": "s", "events": {events}}}'.encode())
        assert problem.reason == "VALUE_NOT_STORABLE"
        assert problem.description.startswith("events[1].tool_result.answer.")


def _chat(arguments: Any, result: str) -> dict[str, Any]:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [call]}]
    return {"id": "1", "messages": [*said, {"role": "tool", "tool_call_id": "1", "content": result}]}


def _task(arguments: Any, result: str) -> dict[str, Any]:
    made = [{"name": "f", "arguments": arguments}]
    said = [{"role": "assistant", "content": "", "tool_calls": made}, {"role": "tool", "content": result}]
    return {"id": "1", "domain": "retail", "task_id": "1", "messages": [{"role": "user", "content": "hi"}, *said]}


def _graph(arguments: Any, result: Any) -> dict[str, Any]:
    said = {"role": "user", "action": "utter", "t": 1, "text": "hi"}
    query = {"role": "agent", "action": "query", "t": 1, "api": "f", "args": [arguments]}
    returned = {"role": "api", "action": "return_item", "t": 2, "api": "f", "result": result}
    return {"id": "1", "tasks": ["f"], "start_unix": 1, "turns": [said, query, returned]}


def _share(arguments: Any, result: str) -> dict[str, Any]:
    call = {"from": "function_call", "value": json.dumps({"name": "f", "arguments": arguments})}
    said = [{"from": "human", "value": "hi"}, call, {"from": "observation", "value": result}]
    return {"id": "1", "conversations": said}


LARGE = 9007199254740993


@pytest.mark.parametrize(
    ("form", "record", "place"),
    [
        ("openai", _chat({"n": LARGE}, "ok"), "messages[1].tool_calls[0].function.arguments.n"),
        ("openai", _chat(json.dumps({"n": [LARGE]}), "ok"), "messages[1].tool_calls[0].function.arguments.n[0]"),
        ("tau2", _task({"n": LARGE}, "ok"), "messages[1].tool_calls[0].arguments.n"),
        ("star", _graph({"n": str(LARGE)}, {}), "turns[1].args.n"),
        ("star", _graph({}, {"n": LARGE}), "turns[2].result.n"),
        ("sharegpt", _share({"n": LARGE}, "ok"), "conversations[1].value.arguments.n"),
    ],
)
def test_every_format_names_the_place_of_a_number_that_a_double_would_change(
    form: str, record: dict[str, Any], place: str
) -> None:
    first, *_ = [item for item in read_sources(form, lines(record)) if isinstance(item, Problem)]
    assert (first.reason, first.description.split()[0]) == ("VALUE_NOT_STORABLE", place)


@pytest.mark.parametrize(("form", "made"), [("openai", _chat), ("tau2", _task), ("sharegpt", _share)])
def test_a_result_with_such_a_number_stays_the_text_that_it_was(form: str, made: Any) -> None:
    for text in (json.dumps({"n": LARGE}), str(LARGE), json.dumps([[LARGE]])):
        results = [event.body for event in one_source(form, made({}, text)).events]
        [result] = [body for body in results if isinstance(body, ToolResult)]
        assert result.answer.value == text


def test_a_source_has_the_times_calls_and_resources_of_its_line() -> None:
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


def test_successive_turns_stay_separate_and_an_action_becomes_a_call_and_its_result() -> None:
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


def test_a_turn_that_cannot_be_read_is_reported_and_the_rest_of_its_line_is_read() -> None:
    record = dialogue({"role": "customer", "text": "Hi"}, {"role": "action", "text": "x", "action": "(solution-tip)"})
    problem, read = read_sources("abcd", lines(record))
    assert isinstance(problem, Problem)
    assert (problem.reason, problem.partial) == ("UNKNOWN_ACTION", True)
    assert isinstance(read, SourceRecord)
    assert len(read.events) == 1


def test_a_guideline_that_asks_for_either_of_two_values_calls_its_tool_with_one() -> None:
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


def test_options_of_a_guideline_become_an_enumeration_and_fixed_values_a_constant() -> None:
    read = compiled(
        step("Update Order", "How to return it", "Options include: 'Van', 'On Foot', or 'Balloon'"),
        step("Notify Team", "Let them know", "Enter 'night shift' into the box"),
        actions=("update-order", "notify-team"),
    )
    options, constant = [step.schema for step in read.steps if isinstance(step, Ask)]
    assert options["enum"] == ["Van", "On Foot", "Balloon"]
    assert constant["const"] == "night shift"


def test_a_guideline_that_needs_some_of_many_values_stops_asking_when_it_has_enough() -> None:
    read = compiled(
        step("Verify", "Ask for 2 out of 3 of these", "Zip Code", "Phone Number", "Email Address"), actions=("verify",)
    )
    (branch,) = [step for step in read.steps if isinstance(step, Branch)]
    assert ".size() >= 2" in branch.condition


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownFormat, match="greenroom, abcd"):
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
def test_every_line_gives_a_record_or_a_problem(format_name: str, record: Any, rubbish: bytes) -> None:
    for read in (read_sources, read_procedures):
        for line in lines(record, rubbish):
            items = list(read(format_name, [line]))
            assert items
            assert all(item.line == 1 for item in items)


ROLES = st.sampled_from(["system", "user", "assistant", "human"])
MESSAGES = st.lists(
    st.tuples(ROLES, st.text(max_size=3) | st.sampled_from(["%s", "\x7f", "é\n", "\ud800"])), max_size=4
)


@given(messages=MESSAGES)
@pytest.mark.parametrize(
    ("form", "member", "role", "text"),
    [("openai", "messages", "role", "content"), ("sharegpt", "conversations", "from", "value")],
)
def test_chats_of_texts_are_read_and_stored_as_if_each_message_was_read_by_itself(
    form: str, member: str, role: str, text: str, messages: list[tuple[str, str]]
) -> None:
    plain = {member: [{role: who, text: said} for who, said in messages]}
    one_by_one = {member: [{role: who, text: said, "weight": 1} for who, said in messages]}

    [*problems, read] = read_sources(form, lines(plain))
    [*expected_problems, expected] = read_sources(form, lines(one_by_one))

    assert problems == expected_problems
    if isinstance(read, Problem) or isinstance(expected, Problem):
        assert read == expected
    else:
        assert (read.events, read.finished, read.procedure) == (expected.events, expected.finished, expected.procedure)
        assert read.external_id == digest(plain)
        assert pack_source(read.transcript, ()) == pack_source(read.events, ())
        assert pack_source(expected.transcript, ()) == pack_source(read.events, ())
        stored = shorten_source(pack_source(read.transcript, ()), read.transcript)
        assert unpack_source_events(stored) == read.events
        assert unpack_source_events(stored, 1, 2) == read.events[1:3]


@pytest.mark.parametrize(
    "value",
    [
        "-0",
        "1E5",
        "123456789012345678901234567890",
        "1e999",
        "4.9e-324",
        '"\\ud83d\\ude00"',
        '"\\ud800"',
        "[" * 300 + "]" * 300,
    ],
)
def test_a_line_has_the_values_that_the_standard_library_reads(value: str) -> None:
    line = f'{{"a": 1, "a": {value}, "é": "\\u0000/"}}'

    assert parsed(line.encode()) == json.loads(line)
