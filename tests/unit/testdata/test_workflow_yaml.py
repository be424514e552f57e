"""Workflows as YAML and as canonical JSON: a written workflow reads back unchanged."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.testdata.traces.digest import canonical_json, digest, read_canonical
from services.testdata.traces.reach import from_entries, to_an_exit
from services.testdata.traces.validation import faults
from services.testdata.traces.workflow import THINKING, ServiceGraph, ThinkTime, Workflow
from services.testdata.traces.workflow_yaml import KEYS, BadWorkflowYaml, read_yaml, write_yaml
from services.testdata.workflows.builtin import built_in

PRINTABLE = st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S"), include_characters=" ")
NAMES = st.text(PRINTABLE, min_size=1, max_size=9) | st.sampled_from(
    [
        "true",
        "No",
        "1",
        "1.5",
        "-",
        "- a",
        "a: b",
        "a #b",
        "null",
        "~",
        "{id}",
        "GET /a/{id}",
        '"',
        "'",
        "🧨",
        "=",
        "<<",
    ]
)
NUMBERS = st.floats(0.0, 1e9).map(lambda number: number + 0.0)
THINK = st.builds(ThinkTime, NUMBERS, NUMBERS) | st.just(THINKING)
VALUES = st.lists(NAMES | st.just(""), min_size=1, max_size=4).map(tuple) | st.tuples(
    st.integers(-5, 5), st.integers(1, 30)
).map(lambda bounds: tuple(str(bounds[0] + i) for i in range(bounds[1])))


def maps(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, values, min_size=1, max_size=3)


WORKFLOWS = st.builds(
    Workflow,
    name=st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True),
    entry_points=maps(NUMBERS),
    transitions=maps(maps(NUMBERS)),
    exit_points=maps(NUMBERS) | maps(st.just(1.0)),
    avg_response_times=maps(NUMBERS),
    methods=maps(st.just("POST")),
    error_rates=maps(NUMBERS),
    parameters=maps(maps(VALUES)),
    think_times=maps(THINK) | maps(st.just(THINKING)),
    service_graph=st.none() | st.builds(ServiceGraph, maps(NAMES), maps(maps(NUMBERS))),
)


@settings(max_examples=40, deadline=None)
@given(WORKFLOWS)
def test_a_workflow_comes_back_from_yaml_and_from_json_as_it_was(workflow: Workflow) -> None:
    assert read_yaml(write_yaml(workflow)) == workflow
    assert read_canonical(canonical_json(workflow)) == workflow
    assert write_yaml(read_canonical(canonical_json(workflow))) == write_yaml(workflow)


def test_the_yaml_has_exactly_the_documented_keys() -> None:
    written = write_yaml(built_in()["workflows/microservices"].workflow)

    assert [line.partition(":")[0] for line in written.splitlines() if not line.startswith(" ")] == list(KEYS)


def test_the_digest_is_of_what_is_said_and_not_of_how() -> None:
    workflow = built_in()["workflows/ecommerce"].workflow
    backwards = Workflow(
        **{key: getattr(workflow, key) for key in KEYS}
        | {"entry_points": dict(reversed(list(workflow.entry_points.items())))}
    )

    assert digest(backwards) == digest(workflow)
    assert digest(Workflow(**{key: getattr(workflow, key) for key in KEYS} | {"name": "other"})) != digest(workflow)


EXAMPLE = """
name: short
entry_points: {login: 1}
transitions: {login: {bye: 1}}
exit_points: [bye]
avg_response_times: {login: 120, bye: 40.5}
think_times: [login]
parameters: {login: {page: {min: 9, max: 11}, sort: [price, 3]}}
"""


def test_lists_and_ranges_stand_for_what_they_stand_for() -> None:
    workflow = read_yaml(EXAMPLE)

    assert workflow.exit_points == {"bye": 1.0}
    assert workflow.think_times == {"login": ThinkTime(10_000.0, 30_000.0)}
    assert workflow.parameters == {"login": {"page": ("9", "10", "11"), "sort": ("price", "3")}}


@pytest.mark.parametrize(
    ("line", "place", "sentence"),
    [
        ("think_times: [login, login]", "think_times", "`login` is listed twice."),
        ("think_times: {login: [1]}", 'think_times["login"]', "Write the least and the most milliseconds"),
        ("think_times: {login: [1, x]}", 'think_times["login"][1]', "Write a number, not `x`."),
        ("error_rates: {login: true}", 'error_rates["login"]', "Write a number, not `True`."),
        ("methods: {login: 1}", 'methods["login"]', "Write a text, not `1`; quote it"),
        ("parameters: {login: {a: 1}}", 'parameters["login"]["a"]', "Write a list of values"),
        ("parameters: {login: {a: [1.5]}}", 'parameters["login"]["a"][0]', "quote it"),
        ("parameters: {login: {a: {min: 1}}}", 'parameters["login"]["a"]', "two whole numbers"),
        ("parameters: {login: {a: {min: 1, max: 1001}}}", 'parameters["login"]["a"]', "not 1,001"),
        ("service_graph: [a]", "service_graph", "Write `endpoints` and `calls`."),
        ("service_graph: {endpoint: {}}", "service_graph", "did you mean `endpoints`?"),
        ("avg_response_time: {login: 1}", "avg_response_time", "did you mean `avg_response_times`?"),
    ],
)
def test_what_is_of_another_shape_is_named_with_its_place(line: str, place: str, sentence: str) -> None:
    kept = [one for one in EXAMPLE.splitlines() if one.partition(":")[0] != line.partition(":")[0]]

    with pytest.raises(BadWorkflowYaml) as caught:
        read_yaml("\n".join([*kept, line]))

    [violation] = caught.value.violations
    assert violation.field == place
    assert sentence in violation.description


def test_everything_of_another_shape_is_named_at_once() -> None:
    with pytest.raises(BadWorkflowYaml) as caught:
        read_yaml("entry_points: 5\nexit_points: {a: b}\nmethod: {}\n")

    assert [violation.field for violation in caught.value.violations] == [
        "method",
        "name",
        "avg_response_times",
        "entry_points",
        'exit_points["a"]',
    ]


@pytest.mark.parametrize("name", ["ecommerce", "microservices"])
def test_a_built_in_workflow_is_right(name: str) -> None:
    workflow = built_in()[f"workflows/{name}"].workflow

    assert faults(workflow, "") == []
    assert len(workflow.endpoints) == 15
    assert from_entries(workflow) == to_an_exit(workflow) == set(workflow.endpoints)


def test_the_shop_is_as_it_is_described() -> None:
    shop = built_in()["workflows/ecommerce"].workflow

    assert shop.entry_points == {"login": 0.6, "browse": 0.3, "search": 0.1}
    assert shop.exit_points == {"logout": 1.0, "confirmation": 1.0, "order_tracking": 1.0}
    said = {
        ("login", "profile"): 0.85,
        ("browse", "details"): 0.6,
        ("cart", "checkout"): 0.5,
        ("checkout", "payment"): 0.9,
    }
    assert {edge: shop.transitions[edge[0]][edge[1]] for edge in said} == said
    for path in (
        "login profile browse details cart checkout payment confirmation",
        "browse details reviews cart",
        "login profile orders order_details order_tracking",
    ):
        steps = path.split()
        assert all(shop.transitions[at][to] > 0 for at, to in pairwise(steps))


def test_the_microservices_have_a_service_behind_each_endpoint() -> None:
    graph = built_in()["workflows/microservices"].workflow.service_graph

    assert graph is not None
    assert len({*graph.endpoints.values(), *(to for called in graph.calls.values() for to in called)}) > 15
