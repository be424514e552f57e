"""Conditions and templates of procedures are checked when they are saved, and bounded when they run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.conditions import Conditions
from shared.model.expressions import BadExpression
from shared.model.templates import MAX_OUTPUT, BadTemplate, Template, check_template
from shared.model.work_budget import TooMuchWork


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
    assert Conditions(["level"]).compile(source).holds({"level": "gold"}, results) is holds


def test_a_condition_over_a_large_result_takes_too_much_work() -> None:
    source = "results.find.all(x, results.find.all(y, x + y >= 0.0))"
    condition = Conditions([]).compile(source)
    assert condition.holds({}, {"find": [1.0] * 10})
    with pytest.raises(TooMuchWork):
        condition.holds({}, {"find": [1.0] * 1_000})


def test_a_condition_does_not_hold_for_text_that_is_not_unicode() -> None:
    assert not Conditions(["level"]).compile("level == 'gold'").holds({"level": "\ud800"}, {})


@pytest.mark.parametrize(
    "source", ["levle == 'gold'", "level", "level +", "1", "level == 1", "'a'.matches('(')  +", ""]
)
def test_a_condition_that_cannot_be_used_is_refused(source: str) -> None:
    with pytest.raises(BadExpression):
        Conditions(["level"]).compile(source)


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
        Template(source).render({"big": "x" * MAX_OUTPUT})


@pytest.mark.parametrize("source", ["{{ a", "{% include 'x' %}", "{{ a | json }}", "{{ b }}", "{% if a %}"])
def test_a_template_that_cannot_be_used_is_refused(source: str) -> None:
    with pytest.raises(BadTemplate):
        check_template(source, ["a"])


def test_a_name_without_a_value_is_empty() -> None:
    assert Template("Hi {{ name }}{{ results.find.x }}!").render({}) == "Hi !"


@given(st.text(alphabet="{}%|'\". abfor1in()=:endif-,", max_size=40))
def test_any_text_is_a_template_or_is_refused(source: str) -> None:
    try:
        check_template(source, ["a"])
        Template(source).render({"a": "x"})
    except BadTemplate:
        pass
