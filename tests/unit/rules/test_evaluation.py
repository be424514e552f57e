"""Rules over columns mean what they mean for one record at a time."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shared.model.work_budget import TooMuchWork, work_budget
from shared.rules.checker import Compiled, check, columns_of
from shared.rules.evaluation import CHUNK, compute, evaluate
from shared.rules.parser import parse
from shared.rules.printer import show
from shared.rules.records import BadRecord, table_of
from shared.rules.schema import money
from shared.rules.syntax import Node
from shared.rules.tables import Children, Column, Table, text_column
from tests.unit.rules.business import SCHEMA, compiled
from tests.unit.rules.drawn import ORDERS, expressions
from tests.unit.rules.oracle import Oracle

AS_OF = {"as_of": date(2026, 3, 1)}


def verdicts(rule: Compiled, orders: list[dict[str, Any]]) -> list[bool | None]:
    """For each order whether the rule holds; None if that is not known."""
    table = table_of(SCHEMA, "order", orders, columns_of(rule))
    held = evaluate(rule, table, AS_OF)
    return [bool(yes) if known else None for yes, known in zip(held.held, held.known, strict=True)]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(expressions(), st.lists(ORDERS, max_size=4))
def test_a_rule_over_columns_agrees_with_one_record_at_a_time(node: Node, orders: list[dict[str, Any]]) -> None:
    rule = check(show(node), SCHEMA, "order")
    assume(isinstance(rule, Compiled))
    assert isinstance(rule, Compiled)
    oracle = Oracle(SCHEMA, "order", AS_OF)

    assert verdicts(rule, orders) == [oracle.holds(node, order) for order in orders]


def test_a_rule_over_no_rows_has_no_verdicts() -> None:
    rule = check("shipped_at == took + as_of", SCHEMA, "order")
    assert isinstance(rule, Compiled)
    assert verdicts(rule, []) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expressions())
def test_what_is_printed_reads_as_the_same_expression(node: Node) -> None:
    assert parse(show(node)) == node


@pytest.mark.parametrize(
    ("source", "order", "holds"),
    [
        # Null is neither true nor false.
        ("gift", {}, None),
        ("gift and paid", {"paid": False}, False),
        ("gift or paid", {"paid": True}, True),
        ("gift or paid", {"paid": False}, None),
        ("not gift", {}, None),
        ("parcels == points", {"parcels": 1}, None),
        ("parcels in [1, points]", {"parcels": 1}, True),
        ("parcels not in [1, points]", {"parcels": 2}, None),
        ("gift is null", {}, True),
        ("if gift then paid else paid", {"paid": True}, None),
        ("coalesce(discount, EUR 0.00) == EUR 0.00", {}, True),
        # Children.
        ("sum(items.price) == EUR 0.00 and count(items) == 0", {}, True),
        ("all(items.quantity > 3) and not any(items.quantity > 3)", {}, True),
        ("max(items.price) is null", {}, True),
        ("sum(items.quantity) == 5", {"items": [{"quantity": 5}, {}]}, None),
        ("sum(coalesce(items.quantity, 0)) == 5", {"items": [{"quantity": 5}, {}]}, True),
        ("any(items.quantity > 3)", {"items": [{"quantity": 5}, {}]}, True),
        ("all(items.quantity > 3)", {"items": [{"quantity": 5}, {}]}, None),
        ("all(items.quantity > 3)", {"items": [{"quantity": 3}, {}]}, False),
        ("all(items.quantity >= sum(items.parts.count))", {"items": [{"quantity": 0}]}, True),
        ("sum(items.parts.count) == 3", {"items": [{"parts": [{"count": 1}]}, {"parts": [{"count": 2}]}]}, True),
        # Money is exact.
        ("round(total * 0.07) == EUR 0.04", {"total": 50}, True),
        ("round(total * -0.07) == -EUR 0.04", {"total": 50}, True),
        ("total * 0.1 == EUR 0.03", {"total": 30}, True),
        ("round(total / parcels) == EUR 0.33", {"total": 100, "parcels": 3}, True),
        ("total / parcels > EUR 0.33", {"total": 100, "parcels": 3}, True),
        ("total / parcels == total", {"total": 100, "parcels": 0}, None),
        ("total / parcels < discount", {"total": 100, "parcels": 2**62, "discount": 99}, True),
        ("round(total * rate) == EUR 0.29", {"total": 100, "rate": 0.29}, True),
        # Numbers.
        ("weight * 3 == rate", {"weight": 0.1, "rate": 0.3}, True),
        ("weight * 3 <= rate and not weight * 3 > rate", {"weight": 0.1, "rate": 0.3}, True),
        ("round(weight) == -3 and round(rate, 1) == 0.3", {"weight": -2.5, "rate": 0.25}, True),
        ("parcels / points == 0.5", {"parcels": 1, "points": 2}, True),
        ("parcels / points == 0.5", {"parcels": 1, "points": 0}, None),
        ("parcels % 3 == 2", {"parcels": -1}, True),
        # Moments.
        ("due == ordered + 30 days", {"ordered": "2026-01-31", "due": "2026-03-02"}, True),
        ("shipped_at - ordered == 36 hours", {"ordered": "2026-01-31", "shipped_at": "2026-02-01T13:00+01:00"}, True),
        ("ordered < shipped_at", {"ordered": "2026-02-01", "shipped_at": "2026-02-01T00:00:01Z"}, True),
        ("date(shipped_at) == ordered", {"ordered": "1969-12-31", "shipped_at": "1969-12-31T23:59:59Z"}, True),
        ("year(due) == 2024 and month(due) == 2 and day(due) == 29", {"due": "2024-02-29"}, True),
        ("due <= as_of", {"due": "2026-03-01"}, True),
        ('opens >= time("09:30") and took * 2 == 1 day', {"opens": "09:30", "took": "12 hours"}, True),
        # Texts.
        (r"note matches '^\d+$'", {"note": "12\n"}, False),
        ("lower(note) == upper(contact)", {"note": "İ", "contact": "i̇"}, False),
        ('length(note) == 1 and note > "z"', {"note": "é"}, True),
        ("note == contact", {"note": "a", "contact": "a"}, True),
    ],
)
def test_what_a_rule_means(source: str, order: dict[str, Any], holds: bool | None) -> None:
    assert verdicts(compiled(source), [order]) == [holds]


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("parcels * points > 0", "parcels * points"),
        ("parcels + points > 0", "parcels + points"),
        ("abs(-parcels - 2) > 0", "-parcels - 2"),
        ("sum(items.quantity) > 0", "sum(items.quantity)"),
        ("round(weight * 1e300 * 10) > 0", "round(weight * 1e300 * 10)"),
    ],
)
def test_a_result_beyond_64_bits_is_unknown_and_said(source: str, part: str) -> None:
    large = 2**63 - 1
    order: dict[str, Any] = {
        "parcels": large,
        "points": large,
        "weight": 1.0,
        "items": [{"quantity": large}, {"quantity": large}],
    }
    small: dict[str, Any] = {"parcels": 1, "points": 1, "weight": 0.0, "items": [{"quantity": 1}]}
    rule = compiled(source)

    held = evaluate(rule, table_of(SCHEMA, "order", [order, small, order], columns_of(rule)))

    assert held.known.tolist() == [False, True, False]
    (problem,) = held.too_large
    assert problem.sentence.startswith(f"`{part}` is too large for 64 bits in 2 rows")


def test_sums_are_exact_whatever_their_running_sum_is() -> None:
    orders = [{"items": [{"quantity": sign * (2**62 - 1)}] * 2} for sign in (1, 1, 1, -1)]
    assert verdicts(compiled(f"abs(sum(items.quantity)) == {2**63 - 2}"), orders) == [True] * 4


def test_a_large_table_is_evaluated_like_small_ones() -> None:
    rows = CHUNK + 10
    counts = np.arange(rows) % 4
    offsets = np.concatenate([[0], np.cumsum(counts)])
    quantity = np.arange(offsets[-1]) % 7
    items = Table(len(quantity), {"quantity": Column(quantity, quantity != 6)})
    notes = text_column([None if row % 5 == 0 else f"note {row % 3}" for row in range(rows)])
    table = Table(rows, {"parcels": Column(np.arange(rows)), "note": notes}, {"items": Children(items, offsets)})

    rule = compiled("any(items.quantity == parcels % 7) or note matches '[12]$'")
    held = evaluate(rule, table)

    for row in [*range(50), *range(rows - 50, rows)]:
        mine = [int(one) for one in quantity[offsets[row] : offsets[row + 1]]]
        order = {
            "parcels": row,
            "note": None if row % 5 == 0 else f"note {row % 3}",
            "items": [{"quantity": None if one == 6 else one} for one in mine],
        }
        expected = Oracle(SCHEMA, "order", AS_OF).holds(rule.syntax, order)
        assert (bool(held.held[row]) if held.known[row] else None) == expected
    assert np.count_nonzero(held.violated) > 0


def test_evaluation_spends_from_the_work_budget() -> None:
    rule = compiled("parcels > 1")
    table = Table(10_000_000, {"parcels": Column(np.broadcast_to(np.int64(3), 10_000_000))})
    with work_budget(10_000), pytest.raises(TooMuchWork):
        evaluate(rule, table)


def test_an_expression_gives_the_values_of_a_column() -> None:
    expression = check("sum(items.price * items.quantity) - discount", SCHEMA, "order", money("EUR"))
    assert isinstance(expression, Compiled)
    orders: list[dict[str, Any]] = [{"discount": 5, "items": [{"price": 10, "quantity": 2}]}, {"items": []}]

    column, _ = compute(expression, table_of(SCHEMA, "order", orders, columns_of(expression)))

    assert column.values.tolist()[:1] == [15]
    assert column.known is not None
    assert column.known.tolist() == [True, False]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"total": 1.5}, "`total` of `order` 1 is 1.5, which is no money in EUR"),
        ({"gift": 1}, "`gift` of `order` 1 is 1, which is no boolean"),
        ({"ordered": "yesterday"}, "which is no date"),
        ({"weight": float("nan")}, "which is no number"),
        ({"items": [{"quantity": "3"}]}, "`quantity` of `item` 1 is '3', which is no integer"),
        ({"items": 3}, "`items` must be a list of records of `item`"),
    ],
)
def test_a_record_whose_value_has_another_type_is_refused(order: dict[str, Any], words: str) -> None:
    rule = compiled("total > EUR 1 and gift and due > ordered and weight > 1 and any(items.quantity > 1)")
    with pytest.raises(BadRecord) as refused:
        table_of(SCHEMA, "order", [order], columns_of(rule))
    assert words in str(refused.value)
