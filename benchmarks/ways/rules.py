"""A million orders, and rules about them by hand in NumPy, as one writes them for whole columns."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.patterns import compile_pattern
from shared.rules.schema import BOOLEAN, DATE, DATETIME, INTEGER, NUMBER, TEXT, Entity, Schema, enumeration, money
from shared.rules.tables import Children, Column, Parents, Table, Texts, text_column

SCHEMA = Schema(
    {
        "order": Entity(
            {
                "total": money("EUR"),
                "discount": money("EUR"),
                "shipping": money("EUR"),
                "tax": money("EUR"),
                "status": enumeration("open", "paid", "shipped", "returned"),
                "code": TEXT,
                "ordered": DATE,
                "due": DATE,
                "shipped_at": DATETIME,
                "parcels": INTEGER,
                "weight": NUMBER,
                "rate": NUMBER,
                "gift": BOOLEAN,
            },
            children={"items": "item"},
            parents={"customer": "customer"},
        ),
        "item": Entity({"price": money("EUR"), "quantity": INTEGER}),
        "customer": Entity({"country": TEXT}),
    }
)
DAY = 86_400_000_000
Mask = NDArray[np.bool_]
Verdict = tuple[Mask, Mask | None]
"""Where the rule holds, and where that is known; None for everywhere."""


def orders(rows: int, seed: int) -> Table:
    """Orders with no to six items each. A tenth has no discount, a fifth was not shipped."""
    draw = np.random.default_rng(seed)
    counts = draw.integers(0, 7, rows)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    price, quantity = draw.integers(100, 20_000, offsets[-1]), draw.integers(1, 5, offsets[-1])
    discount, shipping = draw.integers(0, 500, rows), draw.integers(0, 900, rows)
    total = (
        np.bincount(np.repeat(np.arange(rows), counts), price * quantity, rows).astype(np.int64) - discount + shipping
    )
    ordered = draw.integers(19_000, 20_500, rows)
    codes = text_column([f"{'AB'[number % 2]}{'XY'[number % 3 % 2]}-{number}" for number in range(5_000)]).texts
    assert codes is not None
    columns = {
        "total": Column(total + draw.integers(0, 2, rows)),
        "discount": Column(discount, draw.random(rows) > 0.1),
        "shipping": Column(shipping),
        "tax": Column((total * 19 + 50) // 100),
        "status": Column(draw.integers(0, 4, rows), None, Texts(("open", "paid", "shipped", "returned"))),
        "code": Column(draw.integers(0, 5_000, rows), None, codes),
        "ordered": Column(ordered),
        "due": Column(ordered + draw.integers(0, 40, rows)),
        "shipped_at": Column(ordered * DAY + draw.integers(0, 7 * DAY, rows), draw.random(rows) > 0.2),
        "parcels": Column(draw.integers(1, 30, rows)),
        "weight": Column(draw.random(rows) * 100),
        "rate": Column(draw.random(rows) * 200),
        "gift": Column(draw.random(rows) > 0.5),
    }
    items = Table(int(offsets[-1]), {"price": Column(price), "quantity": Column(quantity)})
    countries = text_column([["DE", "FR", "US", "JP"][number % 4] for number in range(10_000)])
    customers = Table(10_000, {"country": countries})
    parents = {"customer": Parents(customers, draw.integers(0, 10_000, rows))}
    return Table(rows, columns, {"items": Children(items, offsets)}, parents)


class Rule(NamedTuple):
    """A rule, and the same by hand. The hand knows the order's columns, its items' columns and their offsets."""

    text: str
    by_hand: Callable[["Hand"], Verdict]


class Hand:
    """What the hand-written code uses: arrays by name, without looking at types or nulls that it knows."""

    def __init__(self, table: Table) -> None:
        self.of: Mapping[str, Any] = {name: column.values for name, column in table.columns.items()}
        self.known: Mapping[str, Any] = {name: column.known for name, column in table.columns.items()}
        self.texts = {name: column.texts.texts for name, column in table.columns.items() if column.texts}
        items = table.children["items"]
        self.items: Mapping[str, Any] = {name: column.values for name, column in items.table.columns.items()}
        self.offsets = items.offsets
        customers = table.parents["customer"]
        self.customer = customers.rows
        self.country = customers.table.columns["country"]

    def fold(self, function: np.ufunc, values: Any) -> Any:
        """The function over the items of each order, 0 or False without any."""
        some = self.offsets[1:] > self.offsets[:-1]
        result = np.zeros(len(some), values.dtype)
        result[some] = function.reduceat(values, self.offsets[:-1][some])
        return result


def _total(hand: Hand) -> Verdict:
    sums = hand.fold(np.add, hand.items["price"] * hand.items["quantity"])
    held = hand.of["total"] == sums - hand.of["discount"] + hand.of["shipping"]
    return held & hand.known["discount"], hand.known["discount"]


def _arithmetic(hand: Hand) -> Verdict:
    return (hand.of["total"] - hand.of["shipping"]) * 3 >= hand.of["tax"] * hand.of["parcels"] - 500, None


def _numbers(hand: Hand) -> Verdict:
    return (np.abs(hand.of["weight"] * 2.5 - hand.of["rate"]) / 3 < 10) | (hand.of["parcels"] % 7 == 0), None


def _rounding(hand: Hand) -> Verdict:
    scaled = hand.of["total"] * 19
    return hand.of["tax"] == np.sign(scaled) * ((np.abs(scaled) + 50) // 100), None


def _dates(hand: Hand) -> Verdict:
    known = hand.known["shipped_at"]
    soon = hand.of["due"] <= hand.of["ordered"] + 30
    fast = hand.of["shipped_at"] - hand.of["ordered"] * DAY < 5 * DAY
    return soon & fast & known, known | ~soon


def _calendar(hand: Hand) -> Verdict:
    ordered, due = hand.of["ordered"].view("datetime64[D]"), hand.of["due"].view("datetime64[D]")
    month = ordered.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return (ordered.astype("datetime64[Y]") == due.astype("datetime64[Y]")) | (month == 12), None


def _texts(hand: Hand) -> Verdict:
    pattern = compile_pattern(r"^A[XY]-\d*[02468]$")
    matching = np.array([pattern.find(text) is not None for text in hand.texts["code"]])
    wanted = np.array([text in ("paid", "shipped") for text in hand.texts["status"]])
    return matching[hand.of["code"]] | wanted[hand.of["status"]], None


def _choice(hand: Hand) -> Verdict:
    return np.where(hand.of["gift"], hand.of["total"] >= 2_000, hand.of["shipping"] > 0), None


def _children(hand: Hand) -> Verdict:
    all_positive = ~hand.fold(np.logical_or, ~(hand.items["quantity"] > 0))
    counts = np.diff(hand.offsets)
    dearest = hand.fold(np.maximum, hand.items["price"])
    cheap = dearest <= hand.of["total"]
    return all_positive & (counts <= 5) & cheap & (counts > 0), (counts > 0) | ~all_positive | (counts > 5)


def _parent(hand: Hand) -> Verdict:
    german = np.array([text == "DE" for text in hand.country.texts.texts])[hand.country.values]  # type: ignore[union-attr]
    return german[hand.customer] & (hand.of["total"] > 1_000), None


RULES = (
    Rule("total == sum(items.price * items.quantity) - discount + shipping", _total),
    Rule("(total - shipping) * 3 >= tax * parcels - EUR 5.00", _arithmetic),
    Rule("abs(weight * 2.5 - rate) / 3 < 10 or parcels % 7 == 0", _numbers),
    Rule("tax == round(total * 0.19)", _rounding),
    Rule("due <= ordered + 30 days and shipped_at - ordered < 5 days", _dates),
    Rule("year(ordered) == year(due) or month(ordered) == 12", _calendar),
    Rule("""code matches '^A[XY]-\\d*[02468]$' or status in ["paid", "shipped"]""", _texts),
    Rule("if gift then total >= EUR 20.00 else shipping > EUR 0.00", _choice),
    Rule("all(items.quantity > 0) and count(items) <= 5 and max(items.price) <= total", _children),
    Rule('customer.country == "DE" and total > EUR 10.00', _parent),
)
