"""All faults of a workflow are reported at once; the probabilities of a valid one are scaled to sum to exactly 1."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.testdata.traces.normalise import normalised, to_one
from services.testdata.traces.validation import faults
from services.testdata.traces.workflow import ServiceGraph, ThinkTime, Workflow

RIGHT = Workflow(
    name="small",
    entry_points={"login": 0.75, "browse": 0.25},
    transitions={"login": {"browse": 1.0}, "browse": {"browse": 0.5, "buy": 0.25}},
    exit_points={"browse": 0.25, "buy": 1.0},
    avg_response_times={"login": 100.0, "browse": 50.0, "buy": 0.0},
)
NO_EXIT = {"login": {"browse": 1.0}, "browse": {"browse": 0.5, "buy": 0.25}, "buy": {"pay": 1.0}, "pay": {"buy": 1.0}}


def said(workflow: Workflow) -> list[tuple[str, str]]:
    return [(fault.field, fault.description) for fault in faults(workflow, "")]


def test_a_right_workflow_has_no_fault() -> None:
    assert faults(RIGHT, "") == []


def test_the_path_is_put_before_each_field() -> None:
    [fault] = faults(replace(RIGHT, error_rates={"buy": 2.0}), "spec.workflow.spec")

    assert fault.field == 'spec.workflow.spec.error_rates["buy"]'


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "No"}, [("name", "up to 63 small letters")]),
        ({"entry_points": {}}, [("entry_points", "Say where sessions begin"), *[("", "unreachable")] * 3]),
        ({"entry_points": {"login": 0.75, "browse": 0.2}}, [("entry_points", "sum to 0.95;")]),
        ({"entry_points": {"login": 1.25, "browse": -0.25}}, [("", "not 1.25"), ("", "not -0.25")]),
        ({"entry_points": {"login": 0.5, "borwse": 0.5}}, [('entry_points["borwse"]', "did you mean `browse`?")]),
        ({"exit_points": {"browse": 0.25, "buy": 0.9}}, [('transitions["buy"]', "exit of `buy` sum to 0.9;")]),
        ({"exit_points": {"browse": 0.25, "buy": math.nan}}, [('exit_points["buy"]', "not nan")]),
        ({"exit_points": {"browse": 0.25}}, [('transitions["buy"]', "`buy` is a dead end")]),
        (
            {"exit_points": {}, "transitions": {**RIGHT.transitions, "browse": {"browse": 0.75, "buy": 0.25}}},
            [("exit_points", "Say where sessions end"), ('transitions["buy"]', "is a dead end")],
        ),
        (
            {
                "transitions": NO_EXIT,
                "exit_points": {"browse": 0.25},
                "avg_response_times": {**RIGHT.avg_response_times, "pay": 1.0},
            },
            [('transitions["buy"]', "From `buy` no session"), ('transitions["pay"]', "From `pay` no session")],
        ),
        (
            {"transitions": {**RIGHT.transitions, "help": {"buy": 1.0}}},
            [('transitions["help"]', "unreachable"), ('avg_response_times["help"]', "no mean response time")],
        ),
        (
            {"transitions": {**RIGHT.transitions, "login": {"brwse": 1.0}}},
            [('transitions["login"]', "did you mean `browse`?")],
        ),
        ({"avg_response_times": {"login": 1.0, "browse": 1.0}}, [('avg_response_times["buy"]', "no mean")]),
        ({"avg_response_times": {**RIGHT.avg_response_times, "buy": math.inf}}, [("", "not inf")]),
        ({"avg_response_times": {**RIGHT.avg_response_times, "buy": -1.0}}, [("", "not -1")]),
        ({"avg_response_times": {**RIGHT.avg_response_times, "bye": 1.0}}, [("", "did you mean `buy`?")]),
        ({"methods": {"buy": "post"}}, [('methods["buy"]', "a word in capitals")]),
        ({"error_rates": {"buy": -0.1}}, [('error_rates["buy"]', "not -0.1")]),
        ({"think_times": {"buy": ThinkTime(5.0, 1.0)}}, [('think_times["buy"]', "not 5 to 1")]),
        ({"think_times": {"buy": ThinkTime(0.0, 1e12)}}, [('think_times["buy"]', "not 0 to 1e+12")]),
        ({"parameters": {"buy": {"id": ()}}}, [('parameters["buy"]', "has 0 values")]),
        ({"parameters": {"buy": {"id": ("\n",)}}}, [('parameters["buy"]', "printable")]),
        ({"parameters": {"buy": {f"p{i}": ("x" * 200,) for i in range(11)}}}, [('parameters["buy"]', "2,244")]),
        ({"parameters": {"nowhere": {"id": ("1",)}}}, [('parameters["nowhere"]', "There is no endpoint `nowhere`")]),
    ],
)
def test_a_fault_is_named_with_its_place(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = said(replace(RIGHT, **change))

    assert len(found) == len(expected), found
    for (field, sentence), (wanted, part) in zip(found, expected, strict=True):
        assert part in sentence
        assert wanted in ("", field)


@pytest.mark.parametrize("name", ["", "a" * 201, "a\nb", "half \ud83e", "zero\u200bwidth"])
def test_an_endpoint_has_a_printable_name(name: str) -> None:
    workflow = replace(
        RIGHT,
        entry_points={**RIGHT.entry_points, name: 0.0},
        transitions={**RIGHT.transitions, "login": {name: 1.0}},
        exit_points={**RIGHT.exit_points, name: 1.0},
        avg_response_times={**RIGHT.avg_response_times, name: 1.0},
    )

    [(field, sentence)] = said(workflow)
    assert field.startswith("exit_points[")
    assert "1 to 200 printable characters" in sentence


def graph(**calls: dict[str, float]) -> ServiceGraph:
    return ServiceGraph({"login": "auth", "browse": "catalog", "buy": "orders"}, calls)


@pytest.mark.parametrize(
    ("services", "field", "part"),
    [
        (graph(auth={"catalog": 0.0}), 'service_graph.calls["auth"]', "above 0 and up to 1, not 0"),
        (graph(auth={"catalog": math.nan}), 'service_graph.calls["auth"]', "not nan"),
        (graph(ordesr={"db": 1.0}), 'service_graph.calls["ordesr"]', "did you mean `orders`?"),
        (graph(auth={"auth": 1.0}), "service_graph.calls", "cycle: `auth` → `auth`"),
        (
            graph(auth={"catalog": 1.0}, catalog={"orders": 1.0}, orders={"auth": 0.5}),
            "service_graph.calls",
            "→ `orders` →",
        ),
        (
            ServiceGraph({"login": "auth", "browse": "catalog"}),
            'service_graph.endpoints["buy"]',
            "Say which service answers `buy`.",
        ),
        (
            ServiceGraph({**graph().endpoints, "sell": "orders"}),
            'service_graph.endpoints["sell"]',
            "There is no endpoint `sell`.",
        ),
        (
            graph(auth={f"s{i}": 1.0 for i in range(501)}),
            "service_graph",
            "There are 504 services",
        ),
        (
            graph(
                auth={"a0": 1.0},
                **{f"a{i}": {f"a{i + 1}": 1.0, f"b{i}": 1.0} for i in range(9)},
                **{f"b{i}": {f"a{i + 1}": 1.0} for i in range(9)},
            ),
            "service_graph.calls",
            "A call can have 1,535 spans",
        ),
    ],
)
def test_a_fault_of_the_service_graph_is_named(services: ServiceGraph, field: str, part: str) -> None:
    [(found, sentence)] = said(replace(RIGHT, service_graph=services))

    assert found == field
    assert part in sentence


def test_two_thousand_unknown_names_are_told_of_in_no_time() -> None:
    workflow = replace(RIGHT, error_rates={f"endpoint-{i}": 0.5 for i in range(2_000)})

    assert len(faults(workflow, "")) == 2_000


@pytest.mark.parametrize(
    ("share", "is_right"), [(0.333333, True), (0.3333333, True), (0.33333, False), (0.3333334, True), (0.34, False)]
)
def test_shares_may_be_off_by_a_millionth(share: float, is_right: bool) -> None:
    workflow = replace(
        RIGHT,
        transitions={**RIGHT.transitions, "login": {"browse": share, "buy": share, "login": share}},
    )

    assert (faults(workflow, "") == []) == is_right


def test_what_is_off_a_little_is_made_exact_and_what_is_exact_stays() -> None:
    off = replace(RIGHT, transitions={**RIGHT.transitions, "browse": {"browse": 0.5, "buy": 0.2500004}})
    exact = normalised(off)

    assert math.fsum([*exact.transitions["browse"].values(), exact.exit_points["browse"]]) == 1.0
    assert normalised(exact) == exact
    assert normalised(RIGHT) == RIGHT


def test_what_is_made_exact_does_not_depend_on_the_order_in_which_it_is_written() -> None:
    shares = {f"e{number}": 0.142857 for number in range(7)}
    forwards, backwards = (
        normalised(
            replace(RIGHT, transitions={"login": dict(order)}, exit_points=dict.fromkeys(shares, 1.0) | {"browse": 1.0})
        )
        for order in (shares.items(), reversed(shares.items()))
    )

    assert len(set(forwards.transitions["login"].values())) <= 2
    assert forwards == backwards


@given(st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=300))
def test_any_shares_sum_to_exactly_one_and_then_stay(weights: list[float]) -> None:
    total = sum(weights)
    shares = to_one([weight / total for weight in weights])

    assert math.fsum(shares) == 1.0
    assert to_one(shares) == shares
    assert all(0.0 <= share <= 1.0 for share in shares)
