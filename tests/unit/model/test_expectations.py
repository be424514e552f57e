"""What conversations must show: each kind of expectation, met and missed, and what is refused."""

import re
from pathlib import Path
from typing import Any

import protovalidate
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from greenroom.type.v1.expectation_pb2 import Expectation
from shared.model.expectations import (
    KINDS,
    Change,
    ExpectationsInvalid,
    MadeCall,
    Seen,
    check_expectations,
    expectation_json,
    read_expectations,
)
from shared.yaml import load

SEEN = Seen(
    outcome="COMPLETED",
    reason="USER_LEFT",
    last_seq=20,
    turns=4,
    calls=[
        MadeCall(3, "find_order", {"id": "o-7", "customer": {"zip": "10115", "name": "Ann"}}, {"price": 30.0}, None, 4),
        MadeCall(7, "refund", {"id": "o-7", "amount": 50.0}, None, "TOO_MUCH", 8),
        MadeCall(9, "refund", {"id": "o-7", "amount": 30.0}, {"status": "ok"}, None, 10),
    ],
    said=[(5, "What is your order number?"), (11, "You get **$1,030.50** back."), (13, "What is your order number?")],
    heard=["Hello", "My order is broken"],
    exchanges=[(["What is your order number?"], ["My order", "is broken"]), (["You get **$1,030.50** back."], [])],
    changes={
        ("order", "o-7"): Change({"status": "sent", "price": 30}, {"status": "refunded", "price": 30}, (10,)),
        ("ticket", "t-1"): Change({"open": True}, None, (4,)),
    },
    tokens=900,
    virtual_seconds=61.0,
)


def judged(expectation: dict[str, Any], seen: Seen = SEEN) -> tuple[str, str, tuple[int, ...]]:
    [read] = read_expectations([expectation])
    finding = read.judge(seen)
    return finding.judgement.value, finding.detail, finding.evidence


REFUND = {"type": "order", "id": "o-7", "data": {"status": "refunded"}}
TICKET = {"type": "ticket", "deleted": True}


@pytest.mark.parametrize(
    ("expectation", "evidence"),
    [
        ({"called": {"tool": "refund", "arguments": {"amount": 30}}}, (9,)),
        ({"called": {"tool": "refund", "at_least": 2, "at_most": 2}}, (7, 9)),
        ({"called": {"tool": "refund", "where": "arguments.amount < 40.0", "succeeds": True}}, (9,)),
        ({"called": {"tool": "find_order", "arguments": {"customer": {"zip": "10115"}}}}, (3,)),
        ({"not_called": {"tool": "refund", "arguments": {"amount": 60}}}, ()),
        ({"in_order": {"calls": [{"tool": "find_order"}, {"tool": "refund", "succeeds": True}]}}, (3, 9)),
        ({"exactly": {"calls": [{"tool": "refund", "arguments": {"amount": 30}}, {"tool": "refund"}]}}, (7, 9)),
        ({"exactly": {"calls": [{"tool": "refund"}], "succeeds": True}}, (9,)),
        ({"exactly": {"tools": ["cancel"]}}, ()),
        ({"resources": {"changed": [REFUND, TICKET], "only": True}}, (4, 10)),
        ({"resources": {"changed": [{"type": "order"}]}}, (10,)),
        ({"ends": {"reasons": ["AGENT_ENDED", "USER_LEFT"]}}, (20,)),
        ({"collected": {"tool": "refund", "argument": "amount", "value": 30}}, (9,)),
        ({"collected": {"tool": "find_order", "argument": "customer.zip", "pattern": r"\d{5}"}}, (3,)),
        ({"told": {"value": "1030.50"}}, (11,)),
        ({"told": {"value": "ORDER NUMBER"}}, (5,)),
        ({"bound": {"measure": "MEASURE_TOOL_ERRORS", "at_most": 1}}, ()),
        ({"bound": {"measure": "MEASURE_VIRTUAL_SECONDS", "at_most": 61}}, ()),
        ({"condition": "counts.refund <= 2 && counts.cancel == 0 && counts['close-ticket'] == 0 && turns == 4"}, ()),
        ({"condition": "calls.exists(c, c.error == 'TOO_MUCH') && tool_errors == 1 && outcome == 'COMPLETED'"}, ()),
        ({"condition": "changes['order/o-7'].status == 'refunded' && changes['ticket/t-1'] == null"}, ()),
        ({"condition": "heard[0] == 'Hello' && said.size() == 3 && repeats == 1"}, ()),
        ({"condition": "exchanges.exists(one, one.said.contains('number') && one.heard == 'My order is broken')"}, ()),
        ({"condition": "exchanges[1].heard == ''"}, ()),
    ],
)
def test_an_expectation_is_met_with_the_events_that_show_it(
    expectation: dict[str, Any], evidence: tuple[int, ...]
) -> None:
    assert judged(expectation) == ("MET", "", evidence)


@pytest.mark.parametrize(
    ("expectation", "detail", "evidence"),
    [
        ({"called": {"tool": "cancel"}}, "The agent did not call cancel.", (20,)),
        (
            {"called": {"tool": "refund", "arguments": {"amount": 20, "id": "o-7"}, "succeeds": True}},
            "The agent called refund in the nearest of its 2 calls, but amount is 30 instead of 20.",
            (9,),
        ),
        (
            {"called": {"tool": "find_order", "arguments": {"shop": 1}, "where": "arguments.id == 'o-8'"}},
            "The agent called find_order, but shop is missing where 1 is expected and arguments.id == 'o-8' does not "
            "hold.",
            (3,),
        ),
        (
            {"called": {"tool": "refund", "at_most": 1}},
            "The agent called refund 2 times, where at most 1 is right.",
            (7, 9),
        ),
        ({"not_called": {"tool": "refund"}}, "The agent called refund 2 times.", (7, 9)),
        (
            {"in_order": {"calls": [{"tool": "refund", "succeeds": True}, {"tool": "find_order"}]}},
            "The agent called find_order before refund without an error, and not after it.",
            (3, 9),
        ),
        (
            {"exactly": {"calls": [{"tool": "refund", "arguments": {"amount": 30}}]}},
            "The agent made other calls too: refund 1 time.",
            (7,),
        ),
        (
            {"resources": {"changed": [{"type": "order", "id": "o-7", "data": {"status": "cancelled"}}]}},
            "At the end, of order/o-7, status is refunded instead of cancelled.",
            (10,),
        ),
        ({"resources": {"changed": [REFUND], "only": True}}, "The agent changed ticket/t-1 too.", (4,)),
        (
            {"resources": {"changed": [{"type": "order", "id": "o-8"}]}},
            "Nothing changed order/o-8; the agent changed order/o-7 and ticket/t-1.",
            (4, 10),
        ),
        ({"ends": {"reasons": ["AGENT_ENDED"]}}, "It ended with USER_LEFT.", (20,)),
        (
            {"collected": {"tool": "find_order", "argument": "customer.zip", "pattern": "1011"}},
            "The agent passed 10115 to find_order as customer.zip.",
            (3,),
        ),
        ({"told": {"value": "30.50"}}, "The agent never says “30.50”.", (13,)),
        (
            {"bound": {"measure": "MEASURE_REPEATS", "at_most": 0}},
            "There are 1 repeated messages of the agent.",
            (13,),
        ),
        ({"bound": {"measure": "MEASURE_TOKENS", "at_most": 800}}, "There are 900 tokens.", (20,)),
        ({"condition": "reason == 'MAX_TURNS'"}, "The condition does not hold.", (20,)),
        (
            {"condition": "changes['order/o-8'].status == 'sent'"},
            'The condition has no value: Key not found in map : "order/o-8".',
            (20,),
        ),
    ],
)
def test_a_missed_expectation_says_what_was_found_instead_and_where(
    expectation: dict[str, Any], detail: str, evidence: tuple[int, ...]
) -> None:
    assert judged(expectation) == ("MISSED", detail, evidence)


def test_an_expectation_does_not_apply_where_its_condition_does_not_hold_or_takes_too_much_work() -> None:
    told = {"told": {"value": "never said"}}
    assert judged({**told, "when": "counts.cancel > 0"})[0] == "NOT_APPLICABLE"
    assert judged({**told, "when": "counts.refund > 0"})[0] == "MISSED"
    busy = Seen(said=[(seq, "x" * 5_000) for seq in range(200)])
    nested = {"condition": "said.all(a, said.all(b, said.all(c, a.contains(b) || b.contains(c))))"}
    assert judged(nested, busy) == ("NOT_APPLICABLE", "It takes too much work on this conversation.", ())


def test_true_is_not_one_and_null_is_a_member_that_is_missing() -> None:
    seen = Seen(calls=[MadeCall(1, "set", {"flag": True, "list": [{"a": 1, "b": 2}, 3]})])
    assert judged({"called": {"tool": "set", "arguments": {"flag": 1}}}, seen)[0] == "MISSED"
    assert judged({"called": {"tool": "set", "arguments": {"flag": True, "none": None}}}, seen)[0] == "MET"
    assert judged({"called": {"tool": "set", "arguments": {"list": [{"a": 1}, 3]}}}, seen)[0] == "MET"
    assert judged({"called": {"tool": "set", "arguments": {"list": [{"a": 1}]}}}, seen)[0] == "MISSED"


def test_an_expectation_without_a_name_is_named_after_its_kind_and_keeps_its_proto_json() -> None:
    find: dict[str, Any] = {"called": {"tool": "find order"}}
    read = read_expectations([find, find, {"id": "x", "told": {"value": "5"}}])
    assert [one.id for one in read] == ["called-find_order", "called-find_order-2", "x"]
    assert read[2].text == "The agent tells the user 5."
    assert read_expectations(map(expectation_json, read)) == read


TOOLS: dict[str, Any] = {"refund": {"properties": {"amount": {}, "id": {}}}, "anything": None}


@pytest.mark.parametrize(
    ("expectation", "field", "sentence"),
    [
        ({"called": {"tool": "refnd"}}, "called.tool", "The procedure has no tool `refnd` (did you mean `refund`?)."),
        (
            {"not_called": {"tool": "refund", "arguments": {"amuont": 1}}},
            "not_called.arguments.amuont",
            "The tool `refund` takes no argument `amuont` (did you mean `amount`?).",
        ),
        (
            {"in_order": {"calls": [{"tool": "anything"}, {"tool": "refund", "where": "arguments.idd == 1"}]}},
            "in_order.calls[1].where",
            "The tool `refund` takes no argument `idd` (did you mean `id`?).",
        ),
        (
            {"collected": {"tool": "refund", "argument": "ids.first", "value": 1}},
            "collected.argument",
            "The tool `refund` takes no argument `ids` (did you mean `id`?).",
        ),
        (
            {"condition": "counts.refunds > 0"},
            "condition",
            "The procedure has no tool `refunds` (did you mean `refund`?).",
        ),
        (
            {"when": "counts.refund", "condition": "true"},
            "when",
            "The condition's result is int where it must be bool; compare it, as in `… == true`.",
        ),
        ({"exactly": {}}, "exactly.tools", "Name the tools that must not be called, or give the calls."),
        (
            {"resources": {}},
            "resources.changed",
            "Name a resource that must change, or say with `only` that none may.",
        ),
    ],
)
def test_an_expectation_about_what_there_is_not_is_refused_with_the_nearest_name(
    expectation: dict[str, Any], field: str, sentence: str
) -> None:
    read = read_expectations([{"called": {"tool": "anything", "arguments": {"x": 1}}}, expectation])
    with pytest.raises(ExpectationsInvalid) as refused:
        check_expectations(read, TOOLS, "spec.expectations")
    [wrong] = refused.value.violations
    assert (wrong.field, wrong.description) == (f"spec.expectations[1].{field}", sentence)


def test_the_names_of_tools_are_not_checked_without_a_procedure_but_ids_and_patterns_are() -> None:
    check_expectations(read_expectations([{"called": {"tool": "refnd"}}]), None)
    pattern = {"id": "a", "collected": {"tool": "x", "argument": "y", "pattern": "("}}
    with pytest.raises(ExpectationsInvalid) as refused:
        check_expectations(read_expectations([pattern, {"id": "a", "told": {"value": "5"}}]), None)
    fields = [wrong.field for wrong in refused.value.violations]
    assert fields == ["expectations[0].id", "expectations[0].collected.pattern", "expectations[1].id"]


def test_the_docs_have_a_valid_example_of_each_kind() -> None:
    page = (Path(__file__).parents[3] / "docs" / "expectations.md").read_text()
    [example] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    messages = [ParseDict(one, Expectation()) for one in load(example, "expectations.md")["expectations"]]
    for message in messages:
        protovalidate.validate(message)
    read = read_expectations([MessageToDict(one, preserving_proto_field_name=True) for one in messages])
    check_expectations(read, {"refund": None, "find_order": None, "cancel_order": None})
    assert {one.kind.kind for one in read} == {*KINDS}
