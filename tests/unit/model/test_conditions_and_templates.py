"""What users write into procedures is checked when it is saved, and bounded when it runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.conditions import BadCondition, compile_condition
from shared.model.templates import MAX_OUTPUT, BadTemplate, check_template, render


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("level == 'gold'", True),
        ("level == '' || results.find.n > 2", True),
        ("results['find-it'].ok == true", True),
        ("results.nothing.there == 1", False),
        ("results.find.n == 'three'", False),
        ("[level, 'x'].filter(v, v != '').size() >= 2", True),
    ],
)
def test_a_condition_holds_or_does_not(source: str, holds: bool) -> None:
    results = {"find": {"n": 3.0}, "find-it": {"ok": True}}
    assert compile_condition(source, ["level"]).holds({"level": "gold"}, results) is holds


def test_a_condition_that_goes_through_too_many_items_does_not_hold() -> None:
    """Whatever the tools answered, a rehearsal goes on."""
    source = "results.find.all(x, results.find.all(y, x + y >= 0.0))"
    condition = compile_condition(source, [])
    assert condition.holds({}, {"find": [1.0] * 10})
    assert not condition.holds({}, {"find": [1.0] * 1_000})


def test_a_condition_does_not_hold_for_a_text_that_is_none() -> None:
    assert not compile_condition("level == 'gold'", ["level"]).holds({"level": "\ud800"}, {})


@pytest.mark.parametrize(
    "source", ["levle == 'gold'", "level", "level +", "1", "level == 1", "'a'.matches('(')  +", ""]
)
def test_a_condition_that_cannot_be_used_is_refused(source: str) -> None:
    with pytest.raises(BadCondition):
        compile_condition(source, ["level"])


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{{ (1..100000000) | join }}",
        "{% assign a = 'aaaaaaaa' %}" + "{% assign a = a | append: a %}" * 40,
        "{% assign a = 'aaaaaaaa' %}" + "{% assign a = a | replace: 'a', a %}" * 9,
        "{% assign a = 99999999 %}" + "{% assign a = a | times: a %}" * 40,
        "{% for i in (1..999) %}{{ big }}{% endfor %}",
    ],
)
def test_a_template_cannot_grow_out_of_bounds(source: str) -> None:
    with pytest.raises(BadTemplate):
        render(source, {"big": "x" * MAX_OUTPUT})


@pytest.mark.parametrize("source", ["{{ a", "{% include 'x' %}", "{{ a | json }}", "{{ b }}", "{% if a %}"])
def test_a_template_that_cannot_be_used_is_refused(source: str) -> None:
    with pytest.raises(BadTemplate):
        check_template(source, ["a"])


def test_what_has_no_value_is_empty() -> None:
    assert render("Hi {{ name }}{{ results.find.x }}!", {}) == "Hi !"


@given(st.text(alphabet="{}%|'\". abfor1in()=:endif-,", max_size=40))
def test_any_text_is_a_template_or_is_refused_as_one(source: str) -> None:
    try:
        check_template(source, ["a"])
        render(source, {"a": "x"})
    except BadTemplate:
        pass
