"""Wrong expressions, made by mutating right ones, are refused with their place, or they mean something else."""

import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.rules.checker import Compiled, check, columns_of
from shared.rules.evaluation import evaluate
from shared.rules.parser import parse
from shared.rules.records import table_of
from tests.unit.rules.business import SCHEMA, compiled

RIGHT = (
    "total == sum(items.price * items.quantity) - discount + shipping",
    "due <= ordered + 30 days and shipped_at - ordered < 5 days",
    'status in ["open", "paid"] or note matches "^[A-Z]+$"',
    "if gift then total >= EUR 20.00 else shipping > EUR 0.00",
    "all(items.quantity > 0) and count(items) <= 10 and max(items.price) <= total",
    "round(total * 0.19) == discount",
    "coalesce(discount, EUR 0.00) <= total and not refund > USD 100.00",
    'customer.country == "DE" and customer.born < date("2008-01-01")',
    "abs(weight - rate) / 3 < 10.5 or parcels % 7 == 0",
    "any(items.parts.count > 2) == gift and year(due) == 2026",
    'length(note) > 3 and lower(contact) == "me" and shipped_at is not null',
    'min(parcels, points) >= 1 and took * 2 < 3 hours and opens < time("18:00:00")',
)
TOKEN = re.compile(
    r"""[A-Z]{3} [0-9.]+|[0-9]+ (?:days|hours)|(?:date|time)\("[^"]*"\)|[0-9.]+|"[^"]*"|[\w.]+|==|<=|>=|!=|[^\s\w]"""
)
NAMES = re.compile(r"(?!(?:if|then|else|and|or|not|in|is|null|matches|true|false)$)[a-z_]+(\.[a-z_]+)*")
LITERALS = ("3", "2.5", '"open"', "EUR 1.00", "USD 1.00", "3 days", 'date("2026-01-01")', "true", "null", "")
NOISE = (
    "-",
    "'",
    '"',
    "`",
    r"\\",
    "(",
    ")",
    "[",
    "items",
    "raw",
    "id",
    "sum(",
    "round(",
    "in [",
    "is",
    "9" * 400,
    "1e308",
    "\n",
)
OPERATORS = ("+", "-", "*", "/", "%", "==", "<", ">=", "and", "or")


def renamed(tokens: list[str], draw: random.Random) -> list[str]:
    """A letter of a name is missing or another."""
    at = draw.choice([i for i, token in enumerate(tokens) if NAMES.fullmatch(token)])
    name = tokens[at]
    letter = draw.randrange(len(name))
    return [*tokens[:at], name[:letter] + draw.choice(["", "q"]) + name[letter + 1 :], *tokens[at + 1 :]]


def dropped(tokens: list[str], draw: random.Random) -> list[str]:
    at = draw.randrange(len(tokens))
    return tokens[:at] + tokens[at + 1 :]


def doubled(tokens: list[str], draw: random.Random) -> list[str]:
    at = draw.randrange(len(tokens))
    return tokens[: at + 1] + tokens[at:]


def swapped(tokens: list[str], draw: random.Random) -> list[str]:
    at = draw.randrange(len(tokens) - 1)
    return [*tokens[:at], tokens[at + 1], tokens[at], *tokens[at + 2 :]]


def of_another_type(tokens: list[str], draw: random.Random) -> list[str]:
    """A name or a literal is a literal of perhaps another type."""
    at = draw.choice([i for i, token in enumerate(tokens) if NAMES.fullmatch(token) or token[0] in '"0123456789EU'])
    return [*tokens[:at], draw.choice(LITERALS), *tokens[at + 1 :]]


def with_another_operator(tokens: list[str], draw: random.Random) -> list[str]:
    at = draw.choice([i for i, token in enumerate(tokens) if token in OPERATORS])
    return [*tokens[:at], draw.choice(OPERATORS), *tokens[at + 1 :]]


def with_another_bracket(tokens: list[str], draw: random.Random) -> list[str]:
    at = draw.randrange(len(tokens) + 1)
    return [*tokens[:at], draw.choice("()[]"), *tokens[at:]]


def with_more_arguments(tokens: list[str], draw: random.Random) -> list[str]:
    """A function takes one value more, or none."""
    calls = [i for i, token in enumerate(tokens[:-1]) if NAMES.fullmatch(token) and tokens[i + 1] == "("]
    if not calls:
        return dropped(tokens, draw)
    at = draw.choice(calls)
    if draw.random() < 0.5:
        return [*tokens[: at + 2], "0", ",", *tokens[at + 2 :]]
    return [*tokens[: at + 2], ")", *tokens[tokens.index(")", at) + 1 :]]


MUTATIONS: tuple[Callable[[list[str], random.Random], list[str]], ...] = (
    renamed,
    dropped,
    doubled,
    swapped,
    of_another_type,
    with_another_operator,
    with_another_bracket,
    with_more_arguments,
)


def wrong_expressions() -> list[str]:
    """200 expressions, drawn with a seed, none of which reads as a right one."""
    draw = random.Random(15)
    right = [compiled(source).text for source in RIGHT]
    wrong: dict[str, None] = {}
    while len(wrong) < 200:
        source = " ".join(draw.choice(MUTATIONS)(TOKEN.findall(draw.choice(RIGHT)), draw))
        rule = check(source, SCHEMA, "order")
        if not isinstance(rule, Compiled) or rule.text not in right:
            wrong[source] = None
    return [*wrong]


def order(draw: random.Random) -> dict[str, Any]:
    """An order; of many, some keep each of the right rules, and some break it."""
    items: list[dict[str, Any]] = [
        {"price": draw.randrange(1_000), "quantity": draw.randrange(3), "parts": [{"count": draw.randrange(5)}]}
        for _ in range(draw.randrange(4))
    ]
    shipping, total = draw.choice([0, 500]), draw.choice([400, draw.randrange(3_000)])
    discount = draw.choice([None, 0, 100, (total * 19 + 50) // 100])
    kept = sum(item["price"] * item["quantity"] for item in items) - (discount or 0) + shipping
    return {
        "total": draw.choice([total, kept]),
        "discount": discount,
        "shipping": shipping,
        "refund": draw.choice([None, 5_000, 20_000]),
        "status": draw.choice(["open", "paid", "shipped"]),
        "note": draw.choice([None, "A", "ABCD", "later"]),
        "contact": draw.choice(["me", "ME", "you"]),
        "ordered": draw.choice(["2025-12-20", "2026-01-01", "2026-01-10"]),
        "due": draw.choice(["2026-01-01", "2026-02-09", "2026-03-01"]),
        "shipped_at": draw.choice([None, "2026-01-06T00:00:00Z", "2026-01-12T08:00:00Z"]),
        "opens": draw.choice(["09:00:00", "19:00:00"]),
        "took": draw.choice(["1 hour", "2 hours"]),
        "parcels": draw.choice([0, 1, 7, 20]),
        "points": draw.choice([0, 1, 9]),
        "weight": draw.choice([0.5, 30.0]),
        "rate": draw.choice([0.5, 62.0]),
        "gift": draw.choice([None, True, False]),
        "paid": draw.choice([True, False]),
        "items": items,
        "customer": draw.choice([None, {"country": draw.choice(["DE", "FR"]), "born": "2000-01-01"}]),
    }


ORDERS = [order(random.Random(seed)) for seed in range(400)]


def said_of_orders(rule: Compiled) -> list[tuple[bool, bool]]:
    """For each of the orders whether the rule holds, and whether that is known."""
    held = evaluate(rule, table_of(SCHEMA, "order", ORDERS, columns_of(rule)))
    return [*zip(held.held.tolist(), held.known.tolist(), strict=True)]


def test_200_wrong_expressions_are_refused_with_their_place_or_mean_something_else() -> None:
    meant = [said_of_orders(compiled(source)) for source in RIGHT]
    outcomes: Counter[str] = Counter()
    for source in wrong_expressions():
        rule = check(source, SCHEMA, "order")
        if isinstance(rule, Compiled):
            outcomes["something else"] += 1
            assert parse(rule.text) == rule.syntax
            assert said_of_orders(rule) not in meant, rule.text
            continue
        outcomes["refused"] += 1
        for problem in rule:
            assert problem.line == 1
            assert 1 <= problem.column <= len(source) + 1
            assert problem.sentence.endswith(".")
    assert outcomes.total() == 200
    assert outcomes["refused"] > 150


def test_a_misspelt_name_is_refused_where_it_stands() -> None:
    draw = random.Random(15)
    for source in RIGHT * 3:
        tokens = TOKEN.findall(source)
        wrong = renamed(tokens, draw)
        at = next(i for i, (before, after) in enumerate(zip(tokens, wrong, strict=True)) if before != after)
        rule = check(" ".join(wrong), SCHEMA, "order")
        assert not isinstance(rule, Compiled)
        assert (rule[0].line, rule[0].column) == (1, len(" ".join([*wrong[:at], ""])) + 1), " ".join(wrong)
        assert wrong[at].split(".")[-1] in rule[0].sentence or wrong[at].split(".")[0] in rule[0].sentence


TOKENS = [*LITERALS, *NOISE, *OPERATORS, *TOKEN.findall(" ".join(RIGHT))]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([*LITERALS, *NOISE, *OPERATORS, *TOKEN.findall(" ".join(RIGHT))]) | st.text(max_size=3),
        max_size=12,
    )
)
def test_no_text_makes_the_check_fail(tokens: list[str]) -> None:
    rule = check(" ".join(tokens), SCHEMA, "order")
    assert isinstance(rule, Compiled) or all(problem.line > 0 < problem.column for problem in rule)
