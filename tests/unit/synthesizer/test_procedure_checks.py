"""Every error in a revision names its field."""

import pytest

from services.synthesizer.procedures.checks import check_revision
from shared.model.steps import Ask, Branch, Call, End, Say, Step, Tool

FIND = Tool("find_order", arguments_schema={"type": "object", "properties": {"order_id": {"type": "string"}}})
ASK = Ask("order_id", "Which order?")


def test_a_valid_revision_has_no_violations() -> None:
    steps = (
        ASK,
        Call("find_order", {"order_id": "order_id"}),
        Branch("results.find_order.found == true && order_id != ''", "end"),
        Say("Not found: {{ order_id | upcase }} {{ results.find_order.why }}"),
        End("Bye", id="end"),
    )
    assert check_revision(steps, (FIND,)) == []


@pytest.mark.parametrize(
    ("steps", "field", "says"),
    [
        ((Say("a", id="x"), Say("b", id="x")), "revision.steps[0].id", "2 steps"),
        ((Say("a", id="X"),), "revision.steps[0].id", "small letter"),
        ((ASK, Branch("true", "gone"), End(id="done")), "revision.steps[1].branch.then", "did you mean `done`"),
        ((Branch("true", "end", "emd"), End(id="end")), "revision.steps[0].branch.otherwise", "did you mean `end`"),
        ((ASK, Branch("ordr_id == ''", "end"), End(id="end")), "revision.steps[1].branch.condition", "order_id"),
        ((Branch("1 + 1", "end"), End(id="end")), "revision.steps[0].branch.condition", "must be bool"),
        ((ASK, Call("find_ordr")), "revision.steps[1].call.tool", "did you mean `find_order`"),
        ((Call("find_order", {"order_id": "nr"}),), "revision.steps[0].call.arguments.order_id", "`nr`"),
        ((ASK, Call("find_order", {"id": "order_id"})), "revision.steps[1].call.arguments.id", "takes no argument"),
        ((Say("{{ name }}"),), "revision.steps[0].say.text", "name"),
        ((Say("{{ 'a'"),), "revision.steps[0].say.text", "Liquid"),
        ((End("{{ 'a' | json }}"),), "revision.steps[0].end.text", "filter json"),
        ((Ask("results", "?"),), "revision.steps[0].ask.slot", "meaning"),
        ((Ask("a", "?", {"type": "sting"}),), "revision.steps[0].ask.schema", "should be one of array"),
        ((Ask("a", "?", {"pattern": "("}),), "revision.steps[0].ask.schema", "missing )"),
        ((Ask("a", "?", {"pattern": "^(?!a)b$"}),), "revision.steps[0].ask.schema", "without look-around"),
        ((Ask("a", "?", {"$ref": "http://example.com/x"}),), "revision.steps[0].ask.schema", "`#/$defs/` and a name"),
    ],
)
def test_an_invalid_step_is_named(steps: tuple[Step, ...], field: str, says: str) -> None:
    violations = check_revision(steps, (FIND,))
    assert field in [violation.field for violation in violations]
    assert says in next(violation.description for violation in violations if violation.field == field)


@pytest.mark.parametrize(
    ("tools", "field"),
    [
        ((FIND, FIND), "revision.tools[1].name"),
        ((Tool("9"),), "revision.tools[0].name"),
        ((Tool("end_conversation"),), "revision.tools[0].name"),
        ((Tool("a", arguments_schema={"type": "array"}),), "revision.tools[0].arguments_schema.type"),
        ((Tool("a", result_schema={"minimum": "x"}),), "revision.tools[0].result_schema"),
    ],
)
def test_an_invalid_tool_is_named(tools: tuple[Tool, ...], field: str) -> None:
    assert field in [violation.field for violation in check_revision((), tools)]
