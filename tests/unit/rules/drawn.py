"""Draws expressions of each type over the tests' business, and records of orders."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from shared.rules.syntax import (
    Arithmetic,
    Call,
    Choice,
    Comparison,
    Duration,
    IsNull,
    Literal,
    Logic,
    Matches,
    Member,
    Money,
    Negation,
    Node,
    Path,
    Sign,
)

INTEGERS = st.one_of(st.integers(-5, 5), st.sampled_from([0, 2**31, 2**62, -(2**63), 2**63 - 1]))
QUARTERS = st.integers(-20, 20).map(lambda number: number / 4)
TEXTS = st.sampled_from(["", "a", "b", "A", "ab", "paid", "é", "1 2", "\\"])
DATES = st.dates(date(1900, 1, 1), date(2100, 1, 1))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
DURATIONS = st.builds(Duration, st.integers(0, 1_000), st.sampled_from(["week", "day", "hour", "minute", "second"]))
TIMES = st.times().map(lambda one: one.replace(microsecond=0))
COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])

_COLUMNS: dict[str, dict[tuple[str, ...], list[str]]] = {
    "money": {(): ["total", "discount", "customer.credit"], ("items",): ["items.price", "items.product.price"]},
    "integer": {(): ["parcels", "points"], ("items",): ["items.quantity"], ("items", "parts"): ["items.parts.count"]},
    "number": {(): ["weight", "rate"], ("items",): ["items.discount"], ("items", "parts"): ["items.parts.weight"]},
    "text": {(): ["note", "contact", "customer.country", "status"], ("items",): ["items.sku", "items.product.name"]},
    "boolean": {(): ["gift", "paid"]},
    "date": {(): ["ordered", "due", "as_of"]},
    "datetime": {(): ["shipped_at"]},
    "time": {(): ["opens"]},
    "duration": {(): ["took"]},
}
_LITERALS: dict[str, SearchStrategy[Any]] = {
    "money": st.builds(Money, st.integers(0, 2_000), st.just("EUR")),
    "integer": st.integers(0, 5) | st.sampled_from([2**31, 2**63 - 1]),
    "number": st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.5]),
    "text": TEXTS.filter(lambda text: text != "paid"),
    "boolean": st.booleans(),
    "date": DATES,
    "datetime": MOMENTS,
    "time": TIMES,
    "duration": DURATIONS,
}
ORDERED = [kind for kind in _COLUMNS if kind not in ("boolean", "text")]
Scope = tuple[str, ...]


@st.composite
def expressions(draw: DrawFn, kind: str = "boolean", depth: int = 4, scope: Scope = ()) -> Node:
    """An expression of a kind for the rows at a scope. Amounts are whole."""

    def one(kind: str, deeper: Scope = scope) -> Node:
        return draw(expressions(kind, depth - 1, deeper))

    def two(kind: str) -> tuple[Node, Node]:
        return one(kind), one(kind)

    if depth <= 0 or draw(st.integers(0, 5)) == 0:
        return draw(_leaves(kind, scope))
    makers: list[Callable[[], Node]] = [lambda: draw(_leaves(kind, scope))]
    if kind not in ("time", "boolean"):
        makers.append(lambda: Choice(one("boolean"), *two(kind)))
        makers.append(lambda: Call("coalesce", two(kind)))
    if kind in ("integer", "number", "money", "duration"):
        makers.append(lambda: Arithmetic(draw(st.sampled_from("+-")), *two(kind)))
        makers.append(lambda: Sign(one(kind)))
        makers.append(lambda: Call("abs", (one(kind),)))
    if kind in ("integer", "number"):
        makers.append(lambda: Arithmetic(draw(st.sampled_from("*%")), *two(kind)))
    if kind in ORDERED and kind != "time":
        makers.append(lambda: Call(draw(st.sampled_from(["min", "max"])), two(kind)))
    makers += [lambda make=make: make(one, draw) for make in _MAKERS.get(kind, ())]  # type: ignore[misc]
    deeper = [inner for inner in (("items",), ("items", "parts")) if len(inner) > len(scope)]
    if kind in ("integer", "number", "money") and deeper:
        inner = draw(st.sampled_from(deeper))
        makers.append(lambda: _fold(draw, ["sum", "min", "max"], inner, _addable(draw, kind, inner, depth)))
    if kind == "integer" and deeper:
        inner = draw(st.sampled_from(deeper))
        makers.append(lambda: Call("count", (Path(inner),)))
        makers.append(lambda: _fold(draw, ["count"], inner, one("boolean", inner)))
    if kind == "boolean" and deeper:
        inner = draw(st.sampled_from(deeper))
        makers.append(lambda: _fold(draw, ["any", "all"], inner, one("boolean", inner)))
    return draw(st.sampled_from(makers))()


def _fold(draw: DrawFn, names: list[str], inner: Scope, argument: Node) -> Node:
    """A fold of an argument that names a column of the children itself, so that it is about them."""
    name = draw(st.sampled_from(names))
    own = Path((*inner, "weight" if inner[-1] == "parts" else "quantity"))
    if name in ("any", "all", "count"):
        return Call(name, (Logic("or", IsNull(own, draw(st.booleans())), argument),))
    return Call(name, (Choice(IsNull(own, True), argument, argument),))


def _addable(draw: DrawFn, kind: str, inner: Scope, depth: int) -> Node:
    """What can be summed in any order with the same result: columns and their products, without division."""
    column = draw(_leaves(kind, inner))
    if kind == "money" and draw(st.booleans()):
        return Arithmetic("*", column, Literal(draw(st.integers(0, 3))))
    return column


def _leaves(kind: str, scope: Scope) -> SearchStrategy[Node]:
    """Columns of the rows at a scope or above, and literals."""
    names = [name for at, some in _COLUMNS[kind].items() if scope[: len(at)] == at for name in some]
    columns: SearchStrategy[Node] = st.sampled_from(names).map(lambda name: Path(tuple(name.split("."))))
    literals: SearchStrategy[Node] = _LITERALS[kind].map(Literal)
    return st.one_of(columns, columns, literals)


def _compared(one: Callable[[str], Node], draw: DrawFn) -> Node:
    kind = draw(st.sampled_from(ORDERED))
    return Comparison(draw(COMPARISONS), one(kind), one(kind))


def _mixed(one: Callable[[str], Node], draw: DrawFn) -> Node:
    kinds = draw(st.sampled_from([("integer", "number"), ("date", "datetime"), ("number", "integer")]))
    return Comparison(draw(COMPARISONS), one(kinds[0]), one(kinds[1]))


def _fraction(one: Callable[[str], Node], draw: DrawFn) -> Node:
    """An amount before rounding."""
    by = draw(st.sampled_from(["integer", "number", "0.19", "7"]))
    if by in ("0.19", "7"):
        return Arithmetic(draw(st.sampled_from("*/")), one("money"), Literal(float(by) if "." in by else int(by)))
    return Arithmetic("/" if by == "integer" else draw(st.sampled_from("*/")), one("money"), one(by))


def _compared_fractions(one: Callable[[str], Node], draw: DrawFn) -> Node:
    return Comparison(draw(COMPARISONS), _fraction(one, draw), one("money"))


def _rounded_money(one: Callable[[str], Node], draw: DrawFn) -> Node:
    by = Literal(draw(st.sampled_from([0.19, 0.5, 1.25])))
    amount = Arithmetic(draw(st.sampled_from("*/")), one("money"), by)
    varying = Arithmetic("/", one("money"), one("integer"))
    return Call(draw(st.sampled_from(["round", "floor", "ceil"])), (draw(st.sampled_from([amount, varying])),))


def _member(one: Callable[[str], Node], draw: DrawFn) -> Node:
    kind = draw(st.sampled_from([*ORDERED, "text"]))
    items = draw(st.lists(_LITERALS[kind].map(Literal), min_size=1, max_size=3))
    value = Path(("note",)) if kind == "text" else one(kind)
    return Member(value, (*items, one(kind)), draw(st.booleans()))


def _matches(one: Callable[[str], Node], draw: DrawFn) -> Node:
    return Matches(one("text"), draw(st.sampled_from(["a", "^$", r"\d", "^[ab]+$", "'"])), draw(st.booleans()))


_MAKERS: dict[str, Sequence[Callable[[Callable[[str], Node], DrawFn], Node]]] = {
    "boolean": [
        _compared,
        _compared,
        _mixed,
        _compared_fractions,
        _member,
        _matches,
        lambda one, draw: Comparison(draw(COMPARISONS), Call("lower", (one("text"),)), Call("upper", (one("text"),))),
        lambda one, draw: Logic(draw(st.sampled_from(["and", "or"])), one("boolean"), one("boolean")),
        lambda one, draw: Negation(one("boolean")),
        lambda one, draw: Choice(one("boolean"), one("boolean"), one("boolean")),
        lambda one, draw: IsNull(one(draw(st.sampled_from(ORDERED))), draw(st.booleans())),
        lambda one, draw: IsNull(Path(("raw",)), draw(st.booleans())),
    ],
    "integer": [
        lambda one, draw: Call(draw(st.sampled_from(["round", "floor", "ceil"])), (one("number"),)),
        lambda one, draw: Call("length", (one("text"),)),
        lambda one, draw: Call(draw(st.sampled_from(["year", "month", "day"])), (draw(_leaves("date", ())),)),
    ],
    "number": [
        lambda one, draw: Arithmetic("/", one("number"), one("integer")),
        lambda one, draw: Arithmetic("/", one("money"), one("money")),
        lambda one, draw: Arithmetic("/", one("duration"), one("duration")),
        lambda one, draw: Call("round", (one("number"), Literal(draw(st.integers(0, 3))))),
    ],
    "money": [_rounded_money, lambda one, draw: Arithmetic("%", one("money"), one("money"))],
    "date": [lambda one, draw: Call("date", (draw(_leaves("datetime", ())),))],
    "datetime": [
        lambda one, draw: Arithmetic(draw(st.sampled_from("+-")), one("datetime"), one("duration")),
        lambda one, draw: Arithmetic("+", one("duration"), one("date")),
    ],
    "duration": [
        lambda one, draw: Arithmetic("-", one("datetime"), one("date")),
        lambda one, draw: Arithmetic("-", one("time"), one("time")),
        lambda one, draw: Arithmetic("*", one("integer"), one("duration")),
    ],
}


def _row(**columns: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: st.none() | column for name, column in columns.items()})


_AMOUNTS = st.integers(-2_000, 2_000)
_PRODUCTS = _row(price=_AMOUNTS, name=TEXTS)
_PARTS = _row(weight=QUARTERS, count=INTEGERS)
_ITEMS = st.builds(
    lambda row, **more: {**row, **more},
    _row(price=_AMOUNTS, quantity=INTEGERS, discount=QUARTERS, sku=TEXTS),
    parts=st.lists(_PARTS, max_size=3),
    product=st.none() | _PRODUCTS,
)
ORDERS = st.builds(
    lambda row, **more: {**row, **more},
    _row(
        total=_AMOUNTS,
        discount=_AMOUNTS,
        status=st.sampled_from(["open", "paid", "shipped"]),
        note=TEXTS,
        contact=TEXTS,
        ordered=DATES.map(str),
        due=DATES.map(str),
        shipped_at=MOMENTS.map(str),
        opens=TIMES.map(str),
        took=DURATIONS.map(lambda one: f"{one.count} {one.unit}"),
        parcels=INTEGERS,
        points=INTEGERS,
        weight=QUARTERS,
        rate=QUARTERS,
        gift=st.booleans(),
        paid=st.booleans(),
        raw=st.just({"a": 1}),
    ),
    items=st.lists(_ITEMS, max_size=3),
    customer=st.none() | _row(country=TEXTS, credit=_AMOUNTS),
)
"""Orders with items, parts, products and customers, as JSON; each value may be null."""
