"""Templates, conditions and schemas of users cannot block a server: one budget bounds the work of all kinds."""

from typing import Any

import pytest

from shared.model.conditions import Conditions
from shared.model.templates import BadTemplate, Template
from shared.model.work_budget import MAX_WORK, TooMuchWork, spend, work_budget
from shared.patterns import compile_pattern

LARGE: dict[str, Any] = {"text": "ab" * 9_500, "digits": "9" * 5_000, "list": list(range(3_000))}


@pytest.mark.parametrize(
    "source",
    [
        "{% assign x = 9 %}{% for i in (1..17) %}{% assign x = x | times: x %}{% endfor %}{{ x | modulo: 7 }}",
        "{{ results.digits | plus: 1 }}",
        "{{ results.digits | times: results.digits }}",
        "{{ '1e400' | round }}",
        "{{ '1e308' | times: 10 | ceil }}",
        "{{ 1 | divided_by: 0 }}",
        "{{ 'inf' | floor }}",
        "{% if (1..1000000000) contains 'x' %}{% endif %}",
        "{% assign r = (1..1000000000) %}{% if r contains 'x' %}{% endif %}",
        "{% for i in (1..1000000000) %}{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}{% endfor %}{% endfor %}",
        "{{ results }}",
    ],
)
def test_a_template_that_grows_or_has_no_result_is_refused_with_a_sentence(source: str) -> None:
    with pytest.raises(BadTemplate, match=r"^The template is not valid Liquid: .+\.$"):
        Template(source).render({"results": LARGE})


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..1000) %}" + "{%if 1%}{%endif%}" * 200 + "{% endfor %}",
        "{% for i in (1..1000) %}{% if results.list == results.list %}{% endif %}{% endfor %}" * 10,
        "{% for i in (1..1000) %}{% assign y = results.text | split: 'b' | join: 'c' %}{% endfor %}",
        "{% for i in (1..1000) %}{% assign y = results.text | upcase | downcase | capitalize %}{% endfor %}",
        "{% for i in (1..1000) %}{% case i %}" + "{% when 5 %}x" * 250 + "{% endcase %}{% endfor %}",
    ],
)
def test_a_template_that_takes_too_long_exceeds_the_budget(source: str) -> None:
    with pytest.raises(TooMuchWork):
        Template(source).render({"results": LARGE})


@pytest.mark.parametrize(
    "source",
    [
        "results.list.all(x, results.list.all(y, y >= 0))",
        "results.list.all(x, results.list == results.list)",
        "size(results.list.map(x, results.text + results.text)) > 0",
        "size(results.list.map(x, x)) > 0",
        "results.list.exists(x, sum(results.list) > 0.0)",
        "results.text.matches('[ab]*a[ab]{900}c')",
        "results.text.matches('[ab]*a[ab]{900}c') || true",
        "matches(results.text, '[ab]*a[ab]{900}c')",
        "results.list.exists(x, results.text.matches('(a|b|ab){1,200}$'))",
    ],
)
def test_a_condition_that_takes_too_long_exceeds_the_budget(source: str) -> None:
    with pytest.raises(TooMuchWork):
        Conditions([]).compile(source).holds({}, LARGE)


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("results.text.matches('^(ab)+$')", True),
        ("matches(results.text, 'ba')", True),
        ("results.text.matches('matches')", False),
        ("'matches' == 'matches'", True),
        ("results.list[0] == 0 && results.list.size() == 3000", True),
        ("[1, 2, 3].all(x, [1, 2, 3].exists(y, y == x))", True),
    ],
)
def test_an_ordinary_condition_over_large_results_holds_as_ever(source: str, holds: bool) -> None:
    assert Conditions([]).compile(source).holds({}, LARGE) is holds


def test_an_ordinary_macro_over_hundreds_of_orders_holds_as_ever() -> None:
    orders = [{"id": f"O-{number}", "total": number, "state": "sent"} for number in range(300)]
    condition = Conditions([]).compile("results.find.orders.exists(o, o.total > 298 && o.state == 'sent')")
    assert condition.holds({}, {"find": {"orders": orders}})


def test_a_pattern_costs_its_program_for_each_character() -> None:
    assert compile_pattern(r"\d{4}-\d{2}").find("x" * 15_000 + "2026-11") == (15_000, 15_007)
    with work_budget(), pytest.raises(TooMuchWork):
        compile_pattern("[ab]*a[ab]{900}c").find(LARGE["text"])


def test_everything_within_one_budget_shares_it() -> None:
    with work_budget():
        spend(MAX_WORK - 10)
        with work_budget(), pytest.raises(TooMuchWork):
            Template("{% for i in (1..10) %}{{ i }}{% endfor %}").render({})
