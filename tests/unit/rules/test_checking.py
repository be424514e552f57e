"""Rules are read and checked before anything runs: what is wrong is said with its place."""

import pytest

from shared.model.work_budget import TooMuchWork, work_budget
from shared.rules.checker import Compiled, check, columns_of, parameters_of
from shared.rules.parser import MAX_CHARACTERS, MAX_DEPTH, MAX_PARTS
from shared.rules.printer import show_name
from shared.rules.schema import DATETIME, INTEGER, NUMBER, Entity, Schema, Type, enumeration, money
from shared.rules.typed import every_typed
from tests.unit.rules.business import SCHEMA, compiled, problems


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "total==sum(items.price*items.quantity)-discount+shipping",
            "total == sum(items.price * items.quantity) - discount + shipping",
        ),
        ("((total > EUR 5)) and (gift or paid)", "total > EUR 5.00 and (gift or paid)"),
        ("not (status == 'paid')", 'not status == "paid"'),
        ("(parcels - (points - 1)) * 2 == -(-3)", "(parcels - (points - 1)) * 2 == --3"),
        ("due <= ordered + 30   days", "due <= ordered + 30 days"),
        (r"note matches '^\d+$'", r"note matches '^\d+$'"),
        ('note not in ["a", "\\u20ac\\n"]', 'note not in ["a", "€\\n"]'),
        ('shipped_at < datetime("2026-01-31T01:00:00+01:00")', 'shipped_at < datetime("2026-01-31T00:00:00Z")'),
        (
            "if gift then total > EUR 1 else if paid then null else false",
            "if gift then total > EUR 1.00 else if paid then null else false",
        ),
        ("all(items.quantity > sum(items.parts.count))",) * 2,
        ("total == round(sum(items.price * items.quantity * (1 - items.discount)))",) * 2,
        ("max(total - discount, EUR 0.00) >= coalesce(customer.credit, EUR 0.00)",) * 2,
        ("any(items.product.price < items.price) and count(payments) == 1",) * 2,
    ],
)
def test_a_rule_has_one_canonical_text(source: str, text: str) -> None:
    assert compiled(source).text == text
    assert compiled(text).syntax == compiled(source).syntax


@pytest.mark.parametrize(
    ("source", "place", "words"),
    [
        ("totl > EUR 1", "1, column 1", "did you mean `total`"),
        ("total ==\n  sum(items.price * items.quantty)", "2, column 21", "did you mean `quantity`"),
        ("quantity > 3", "1, column 1", "`items.quantity` is one of its children's"),
        ("total > 3", "1, column 1", "written as `EUR 3`"),
        ("total == refund", "1, column 1", "Money in EUR cannot be compared with money in USD"),
        ("ordered + due > ordered", "1, column 1", "A date plus a date has no meaning"),
        ('parcels < 5 or ordered < "2026-01-01"', "1, column 16", 'date("2026-01-31")'),
        ("note < 3", "1, column 1", "A text cannot be compared with an integer"),
        ('status == "payed"', "1, column 11", "did you mean `paid`"),
        ('status in ["open", "piad"]', "1, column 20", "did you mean `paid`"),
        ('status < "paid"', "1, column 1", "An enumeration has no order"),
        ("note == null", "1, column 1", "write `is null`"),
        ("total", "1, column 1", "A rule is true or false; this is money in EUR"),
        ("1 < 2", "1, column 1", "names no column"),
        ("items.price > EUR 1", "1, column 1", "has a value for each of `items`"),
        ("any(total > EUR 1)", "1, column 1", "folds children, and here are none"),
        ("any(items.price > payments.amount)", "1, column 19", "one kind of children"),
        ("all(items.price > max(items.price))", "1, column 19", "a row of its own"),
        ("customer.orders.total > EUR 1", "1, column 1", "children of a parent"),
        ("note matches '(?=x)'", "1, column 14", "without look-around"),
        ("rund(weight) == 1", "1, column 1", "did you mean `round`"),
        ("round(weight, 1, 2) == 1.0", "1, column 1", "takes 1 or 2 values; here are 3"),
        ("round(weight, parcels) == 1.0", "1, column 15", "written out"),
        ("round(total) == total", "1, column 7", "needs no rounding"),
        ("sum(items.price / items.quantity) > total", "1, column 1", "must be rounded first"),
        ("weight / 0 > 1", "1, column 10", "by zero"),
        ("gift and total", "1, column 10", "What stands beside `and` is true or false"),
        ("if gift then total else 3", "1, column 1", "`if` has one type"),
        ("raw == raw", "1, column 1", "json cannot be compared"),
        ("total = EUR 1", "1, column 7", "compare with `==`"),
        ("gift AND paid", "1, column 6", "lower case"),
        ("(gift", "1, column 6", "The rule ends too early"),
        ("gift)", "1, column 5", "`)` is not expected here"),
        ("parcels == 3 == gift", "1, column 14", "`==` is not expected here"),
        ('note == "x', "1, column 9", "ends with the quote"),
        (r'note matches "\d"', "1, column 15", "single quotes"),
        ('due < date("2026-02-30")', "1, column 12", "is no date"),
        ("total < EUR 1.999", "1, column 9", "up to 2 decimals"),
        ("took < 99999999999 weeks", "1, column 8", "up to 292,000 years"),
        ("total * 1e300 > EUR 1", "1, column 1", "becomes too large"),
        ("parcels < 9223372036854775808", "1, column 11", "largest integer"),
        ("3parcels > 1", "1, column 1", "stands apart from letters"),
        (" ", "1, column 1", "The rule is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source: str, place: str, words: str) -> None:
    (problem,) = problems(source)
    assert problem.startswith(f"line {place}: ")
    assert words in problem


@pytest.mark.parametrize("name", ["Order Date", "if", "a`b", "größe", "2nd", "Ⅷ", "ﬁ"])
def test_a_column_may_have_any_name(name: str) -> None:
    schema = Schema({"order": Entity({name: INTEGER})})
    rule = check(f"{show_name(name)} > 3", schema, "order")
    assert isinstance(rule, Compiled)
    assert columns_of(rule) == {(name,)}


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = problems("totl > EUR 1 and nothing(items.prise) and note < 3")
    assert [problem.split(": ")[0] for problem in found] == [
        "line 1, column 1",
        "line 1, column 18",
        "line 1, column 26",
        "line 1, column 43",
    ]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("gift or " * (MAX_CHARACTERS // 8) + "gift", f"up to {MAX_CHARACTERS:,} are allowed"),
        ("gift or " * (MAX_DEPTH + 1) + "gift", f"nests deeper than {MAX_DEPTH}"),
        (f"parcels in [{', '.join('1' * MAX_PARTS)}]", f"more than {MAX_PARTS} parts"),
        ("not " * (MAX_CHARACTERS // 4 - 1) + "gift", f"nests deeper than {MAX_DEPTH}"),
        ("(" * 1_999 + "gift" + ")" * 1_996, "ends too early"),
    ],
)
def test_the_size_of_a_rule_is_bounded(source: str, words: str) -> None:
    (problem,) = problems(source)
    assert words in problem


def test_a_rule_does_not_grow_when_it_is_checked() -> None:
    source = "gift"
    for _ in range(15):
        source = f"({source}) in [{', '.join(['true', 'paid'] * 10)}]"
    assert len([*every_typed(compiled(source).typed)]) <= MAX_PARTS


def test_checking_spends_from_the_work_budget() -> None:
    with work_budget(100), pytest.raises(TooMuchWork):
        check("parcels > 1" + " and parcels > 1" * 20, SCHEMA, "order")


@pytest.mark.parametrize(
    ("source", "result", "fits"),
    [
        ("sum(items.price * items.quantity) - discount", money("EUR"), True),
        ("round(total * 0.19)", money("EUR"), True),
        ("total * 0.19", money("EUR"), False),
        ("total", money("USD"), False),
        ("parcels + 1", NUMBER, True),
        ("weight", INTEGER, False),
        ("ordered", DATETIME, True),
        ('if gift then "open" else "paid"', enumeration("open", "paid"), True),
        ('if gift then "open" else "lost"', enumeration("open", "paid"), False),
    ],
)
def test_an_expression_can_give_the_values_of_a_column(source: str, result: Type, fits: bool) -> None:
    assert isinstance(check(source, SCHEMA, "order", result), Compiled) is fits


def test_a_rule_says_what_it_reads() -> None:
    rule = compiled("any(items.product.price < customer.credit) and count(payments) > 0 and ordered < as_of")
    assert columns_of(rule) == {
        ("items", "product", "price"),
        ("customer", "credit"),
        ("payments",),
        ("ordered",),
    }
    assert parameters_of(rule) == {"as_of"}
