"""Which mock answers a call, and the errors for a config that does not fit."""

import pytest

from services.synthesizer.tool_configs.answers import Mocks, RecordedRules, recorded_rules
from services.synthesizer.tool_configs.checks import check_arguments, check_tool_config
from services.synthesizer.tool_configs.matching import matches
from services.synthesizer.tool_configs.model import Reply, ToolConfig, ToolMock, ToolRule
from services.synthesizer.tool_configs.replies.kind import CallContext
from shared.model.events import Event, Json, ResourcePatch, ToolAnswer, ToolCall, ToolError, ToolResult
from shared.model.steps import Tool
from shared.model.world import World

FIND = Tool(
    "find",
    arguments_schema={"type": "object", "properties": {"id": {"type": "string", "enum": ["A1", "B2"]}, "colour": {}}},
    result_schema={"type": "object", "required": ["found"]},
    required=True,
)
OWN, RECORDED, DEFAULT, LAST = (ToolAnswer({"found": name}) for name in ("own", "recorded", "default", "last"))


def answer(config: ToolConfig, recorded: RecordedRules, call: ToolCall) -> ToolAnswer | None:
    answered = Mocks(config).answer(call, recorded, CallContext(World(), {}, lambda _purpose: 0.5))
    return None if answered is None else answered.answer


def recorded(*calls: tuple[dict[str, Json], ToolAnswer]) -> list[Event]:
    events = []
    for number, (arguments, given) in enumerate(calls):
        events.append(Event("", 2 * number + 1, 0, 0, ToolCall(f"c{number}", "find", arguments)))
        events.append(Event("", 2 * number + 2, 0, 0, ToolResult(f"c{number}", "find", given)))
    return events


def test_a_call_is_answered_by_rule_then_recording_then_the_tools_default_then_the_configs() -> None:
    rules = recorded_rules(recorded(({"id": "B2"}, RECORDED)))
    mock = ToolMock("find", (ToolRule(OWN, {"id": "A1"}),), DEFAULT)
    config = ToolConfig((mock,), LAST)

    def said(tool: str, identifier: str, config: ToolConfig = config) -> ToolAnswer | None:
        return answer(config, rules, ToolCall("c", tool, {"id": identifier}))

    assert said("find", " a1 ") == OWN
    assert said("find", "b2") == RECORDED
    assert said("find", "C3") == DEFAULT
    assert said("other", "A1") == LAST
    assert said("find", "B2", ToolConfig(ignore_recorded_calls=True)) is None


def test_a_call_recorded_without_arguments_matches_every_call_and_comes_last() -> None:
    rules = recorded_rules(recorded(({}, DEFAULT), ({"id": "B2"}, RECORDED)))
    assert answer(ToolConfig(), rules, ToolCall("c", "find", {"id": "B2"})) == RECORDED
    assert answer(ToolConfig(), rules, ToolCall("c", "find", {"id": "X"})) == DEFAULT


@pytest.mark.parametrize(
    ("wanted", "there", "does"),
    [
        ({}, {"a": 1}, True),
        ({"a": {"b": "X"}}, {"a": {"b": " x ", "c": 1}}, True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": None}, {}, False),
    ],
)
def test_a_match_needs_only_some_of_the_arguments(wanted: Json, there: Json, does: bool) -> None:
    assert matches(wanted, there) is does


def test_arguments_that_contradict_the_schema_are_named() -> None:
    assert check_arguments(FIND, {"id": "A1"}) is None
    assert "arguments.id" in (check_arguments(FIND, {"id": "C3"}) or "")


@pytest.mark.parametrize(
    ("config", "field", "says"),
    [
        (ToolConfig(), "spec.tool_config.mocks", "required"),
        (
            ToolConfig((ToolMock("find", default=OWN), ToolMock("fined", default=OWN))),
            "spec.tool_config.mocks[1].tool",
            "did you mean `find`",
        ),
        (ToolConfig((ToolMock("find", default=OWN),) * 2), "spec.tool_config.mocks[1].tool", "2 mocks"),
        (
            ToolConfig((ToolMock("find", default=ToolAnswer({})),)),
            "spec.tool_config.mocks[0].default_answer",
            "contradicts",
        ),
        (
            ToolConfig((ToolMock("find", (ToolRule(OWN, {"color": "red"}),)),)),
            "spec.tool_config.mocks[0].rules[0].match.color",
            "did you mean `colour`",
        ),
        (
            ToolConfig((ToolMock("find", (ToolRule(OWN, {"id": "C3"}),)),)),
            "spec.tool_config.mocks[0].rules[0].match.id",
            "No call",
        ),
        (ToolConfig(default=ToolAnswer("x")), "spec.tool_config.default_answer", "contradicts"),
    ],
)
def test_what_is_at_odds_with_the_revision_is_named(config: ToolConfig, field: str, says: str) -> None:
    violations = check_tool_config(config, (FIND,))
    assert [violation.field for violation in violations] == [field]
    assert says in violations[0].description


def test_a_required_tool_may_be_mocked_by_a_recording_and_any_tool_may_fail() -> None:
    assert check_tool_config(ToolConfig(), (FIND,), recorded_rules(recorded(({}, RECORDED)))) == []
    failing = ToolConfig((ToolMock("find", default=ToolAnswer(error=ToolError("DOWN"))),))
    assert check_tool_config(failing, (FIND,)) == []


def test_a_recorded_answer_that_contradicts_the_schema_is_named_unless_it_is_never_given() -> None:
    rules = recorded_rules(
        recorded(({"id": "A1"}, RECORDED), ({"id": "B2"}, ToolAnswer({"lost": 1})), ({}, ToolAnswer(None)))
    )
    (violation,) = check_tool_config(ToolConfig(), [FIND], rules)
    assert violation.field == "spec.tool_config.ignore_recorded_calls"
    assert "A recorded answer contradicts the result_schema of `find`: value: 'found' is" in violation.description
    assert "add a rule" in violation.description

    some = ToolConfig((ToolMock("find", (ToolRule(OWN, {"id": "A1"}),)),))
    assert len(check_tool_config(some, [FIND], rules)) == 1
    every = ToolConfig((ToolMock("find", (ToolRule(OWN),)),))
    assert check_tool_config(every, [FIND], rules) == []
    ignored = ToolConfig((ToolMock("find", default=OWN),), ignore_recorded_calls=True)
    assert check_tool_config(ignored, [FIND], rules) == []
    failed = recorded_rules(recorded(({"id": "A1"}, ToolAnswer(error=ToolError("GONE", "It is gone.")))))
    assert check_tool_config(ToolConfig(), [FIND], failed) == []


def test_a_recorded_result_answers_the_latest_open_call_of_its_id() -> None:
    def call(number: str) -> ToolCall:
        return ToolCall("c", "find", {"id": number})

    def result(given: ToolAnswer) -> ToolResult:
        return ToolResult("c", "find", given)

    bodies: list[ToolCall | ToolResult] = [
        call("A"),
        result(OWN),
        call("B"),
        call("C"),
        result(RECORDED),
        result(DEFAULT),
    ]

    rules = recorded_rules([Event("", seq, 0, 0, body) for seq, body in enumerate(bodies, 1)])

    assert [(rule.match["id"], rule.answer) for rule in rules["find"]] == [("A", OWN), ("C", RECORDED), ("B", DEFAULT)]


@pytest.mark.parametrize("tools", [(FIND, Tool("note")), None])
def test_a_type_that_only_the_configs_default_answer_creates_can_be_read(tools: tuple[Tool, ...] | None) -> None:
    reading = Reply("operations", {"operations": [{"kind": "list", "type": "note"}], "returns": "{'found': 1}"})
    mocks = (ToolMock("find", (ToolRule(None, replies=(reading,)),)),)
    made = ToolAnswer({"found": 1}, patches=(ResourcePatch("note", "1", {"by": "note"}),))

    (violation,) = check_tool_config(ToolConfig(mocks), tools, types=())

    assert "No resource has the type `note`" in violation.description
    assert check_tool_config(ToolConfig(mocks, made), tools, types=()) == []
