"""Rules between columns that all sample rows keep, and that they do not keep by coincidence."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.enricher.discovery.names import words
from services.enricher.discovery.samples.bounds import json_value
from services.enricher.discovery.samples.columns import Column
from services.enricher.discovery.samples.statistics import ENOUGH, FEW, coincidence, meeting
from services.enricher.discovery.samples.tables import Family, Table
from shared.model.packs.model import FieldType, Support
from shared.rules.syntax import Arithmetic, Call, Comparison, IsNull, Literal, Logic, Node, Path

_MOST_COLUMNS = 24
"""So many columns of numbers, and of dates, are compared with each other."""
_VARIED = 10
"""Columns with fewer values than this equal a computed one too easily."""
_DAY = 86_400_000_000
_LARGEST = 2**62
_QUANTITIES = frozenset("quantity qty count units pieces amount number".split())


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule that sample rows keep. words: the rule as a sentence without its stop."""

    entity: str
    name: str
    words: str
    expression: Node
    support: Support


def rules_of(table: Table, families: Sequence[Family]) -> list[Proposal]:
    """The rules of a table. families: those whose parent it is."""
    tests = [*_order(table), *_computed(table), *_totals(table, families), *_missing(table)]
    return [found for test in tests if (found := test(len(tests))) is not None]


Test = Callable[[int], Proposal | None]
"""(how many rules are tried) → the rule, if the rows keep it and not by coincidence."""


def _order(table: Table) -> Iterator[Test]:
    """`a <= b` of two numbers or of two dates."""
    moments = [one for one in table.columns.values() if one.type in (FieldType.DATE, FieldType.DATETIME)]
    for group in (table.measures()[:_MOST_COLUMNS], moments[:_MOST_COLUMNS]):
        for one, other in permutations(group, 2):
            yield lambda tried, one=one, other=other: _ordered(table, one, other, tried)  # type: ignore[misc]


def _ordered(table: Table, one: Column, other: Column, tried: int) -> Proposal | None:
    both = one.present & other.present
    pair = _same_unit(one, other)
    if int(both.sum()) < ENOUGH or pair is None:
        return None
    left, right = pair[0][both], pair[1][both]
    if not (left <= right).all() or (left == right).all():
        return None
    chance = 1.0 - float(np.searchsorted(np.sort(right), left, "left").mean()) / len(right)
    if coincidence(chance, len(left), tried):
        return None
    support = Support(len(left), len(left))
    return Proposal(
        table.entity,
        f"{one.name}_to_{other.name}",
        f"{one.name} is at most {other.name}",
        Comparison("<=", Path((one.name,)), Path((other.name,))),
        support,
    )


def _same_unit(one: Column, other: Column) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """The values of two columns in one unit; None if they become too large."""
    units = []
    for column in (one, other):
        if column.numeric:
            units.append(10 ** (max(one.scale, other.scale) - column.scale))
        else:
            units.append(_DAY if column.type is FieldType.DATE and one.type is not other.type else 1)
    sides = []
    for column, unit in zip((one, other), units, strict=True):
        if len(column.values) and int(np.abs(column.values).max()) * unit > _LARGEST:
            return None
        sides.append(column.full * unit)
    return sides[0], sides[1]


@dataclass(frozen=True, slots=True)
class _Value:
    """A computed value for each row. scale: its decimals. informative: rows in which it is more than a copy."""

    node: Node
    words: str
    numbers: NDArray[np.int64]
    scale: int
    present: NDArray[np.bool_]
    informative: NDArray[np.bool_]
    whole: bool


def _computed(table: Table) -> Iterator[Test]:
    """`a + b == c`, `a - b == c` (which is the same of other columns) and `a * b == c`."""
    measures = _exact(table)
    for one, other in combinations(measures, 2):
        for combine in (_sum, _product):
            value = combine(one, other)
            if value is None:
                continue
            for result in measures:
                if result is not one and result is not other:
                    yield lambda tried, value=value, result=result: _equal(table, value, result, tried)  # type: ignore[misc]


def _exact(table: Table) -> list[Column]:
    return [one for one in table.measures() if one.exact][:_MOST_COLUMNS]


def _sum(one: Column, other: Column) -> _Value | None:
    pair = _same_unit(one, other)
    if pair is None:
        return None
    node = Arithmetic("+", Path((one.name,)), Path((other.name,)))
    return _Value(
        node,
        f"{one.name} and {other.name} together",
        pair[0] + pair[1],
        max(one.scale, other.scale),
        one.present & other.present,
        (pair[0] != 0) & (pair[1] != 0),
        _whole(one, other),
    )


def _product(one: Column, other: Column, prefix: tuple[str, ...] = ()) -> _Value | None:
    if not len(one.values) or not len(other.values):
        return None
    if int(np.abs(one.values).max()) * int(np.abs(other.values).max()) > 2**53:
        return None
    ones = (one.full != 10**one.scale) & (other.full != 10**other.scale)
    return _Value(
        Arithmetic("*", Path((*prefix, one.name)), Path((*prefix, other.name))),
        f"{one.name} times {other.name}",
        one.full * other.full,
        one.scale + other.scale,
        one.present & other.present,
        ones & (one.full != 0) & (other.full != 0),
        _whole(one, other),
    )


def _whole(*columns: Column) -> bool:
    return all(column.type is FieldType.INTEGER for column in columns)


def _equal(table: Table, value: _Value, result: Column, tried: int) -> Proposal | None:
    """The computed value, rounded to the decimals of a column, is that column."""
    rows = value.present & result.present
    count = int(rows.sum())
    if count < FEW or int((rows & value.informative).sum()) < FEW or len(result.counts[0]) < _VARIED:
        return None
    scale = max(value.scale, result.scale)
    computed, given = (
        value.numbers[rows] * 10 ** (scale - value.scale),
        result.full[rows] * 10 ** (scale - result.scale),
    )
    # Rounded to the column's decimals if the computed value has more; a tie would round either way.
    if not (2 * np.abs(computed - given) < 10 ** (scale - result.scale)).all():
        return None
    if coincidence(meeting(np.unique(given, return_counts=True)[1]), count, tried):
        return None
    exact = value.whole and result.type is FieldType.INTEGER
    left = value.node if exact or value.whole else Call("round", (value.node, Literal(result.scale)))
    return Proposal(
        table.entity,
        f"{result.name}_computed",
        f"{result.name} is {value.words}",
        Comparison("==", Path((result.name,)), left),
        Support(count, count),
    )


def _totals(table: Table, families: Sequence[Family]) -> Iterator[Test]:
    """A column that is the sum of its children, perhaps with another column of its own added or taken away."""
    for family in families:
        for result in _exact(table):
            yield lambda tried, family=family, result=result: _total(table, family, result, tried)  # type: ignore[misc]


def _total(table: Table, family: Family, result: Column, tried: int) -> Proposal | None:
    measures = [one for one in _exact(family.child) if one.present.all()]
    for summed in _summands(family, measures):
        total = _folded(family, summed)
        if total is None:
            continue
        if found := _equal(table, total, result, tried):
            return found
        for other in _exact(table):
            if other is not result:
                for sign in (1, -1):
                    adjusted = _adjusted(total, other, sign)
                    if adjusted and (found := _equal(table, adjusted, result, tried)):
                        return found
    return None


def _summands(family: Family, measures: Sequence[Column]) -> Iterator[_Value]:
    """What may be summed: first products with a quantity, then single columns, then other products.

    Where a quantity is 1 in every row, both its product and the price alone fit; the product says what is meant.
    """
    products = [(one, other) if not _is_quantity(one) else (other, one) for one, other in combinations(measures, 2)]
    likely = [pair for pair in products if _is_quantity(pair[1])]
    for one, other in likely:
        if value := _product(one, other, (family.name,)):
            yield value
    for one in measures:
        yield _Value(
            Path((family.name, one.name)), one.name, one.full, one.scale, one.present, one.present, _whole(one)
        )
    for one, other in products:
        if (one, other) not in likely and (value := _product(one, other, (family.name,))):
            yield value


def _is_quantity(column: Column) -> bool:
    return bool(_QUANTITIES & set(words(column.name)))


def _folded(family: Family, value: _Value) -> _Value | None:
    """The sum over the children of each parent."""
    if not value.present.all() or float(np.abs(value.numbers).sum(dtype=float)) > 2**53:
        return None
    rows = family.parent.rows
    sums, counts = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    np.add.at(sums, family.owner, value.numbers)
    np.add.at(counts, family.owner, 1)
    return _Value(
        Call("sum", (value.node,)),
        f"the sum of {value.words} over its {family.name}",
        sums,
        value.scale,
        np.ones(rows, np.bool_),
        counts > 1,
        value.whole,
    )


def _adjusted(total: _Value, other: Column, sign: int) -> _Value | None:
    scale = max(total.scale, other.scale)
    if not len(other.values) or int(np.abs(other.values).max()) * 10 ** (scale - other.scale) > _LARGEST // 4:
        return None
    numbers = total.numbers * 10 ** (scale - total.scale) + sign * other.full * 10 ** (scale - other.scale)
    return _Value(
        Arithmetic("+" if sign > 0 else "-", total.node, Path((other.name,))),
        f"{total.words} {'plus' if sign > 0 else 'minus'} {other.name}",
        numbers,
        scale,
        other.present,
        total.informative & (other.full != 0),
        total.whole and other.type is FieldType.INTEGER,
    )


def _missing(table: Table) -> Iterator[Test]:
    """If a column has no value, or a certain one, another has none, or has one."""
    some = [one for one in table.columns.values() if 0 < int(one.present.sum()) < one.rows][: 2 * _MOST_COLUMNS]
    for one, other in permutations(some, 2):
        for state in (False, True):
            yield lambda tried, one=one, other=other, state=state: _implied(  # type: ignore[misc]
                table,
                _If(one.present == state, IsNull(Path((one.name,)), negated=state), _has(one, state), one.name),
                other,
                tried,
            )
    for column in table.columns.values():
        for condition in _conditions(column):
            for other in some:
                if other is not column:
                    yield lambda tried, condition=condition, other=other: _implied(table, condition, other, tried)  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class _If:
    rows: NDArray[np.bool_]
    node: Node
    words: str
    name: str


def _has(column: Column, state: bool) -> str:
    return f"{column.name} has {'a' if state else 'no'} value"


def _conditions(column: Column) -> Iterator[_If]:
    """`column == value` for each value of a column with few of them."""
    if column.type not in (FieldType.TEXT, FieldType.BOOLEAN) or len(column.values) < ENOUGH:
        return
    values, counts = column.counts
    if not 2 <= len(values) <= _VARIED or counts.min() < FEW:
        return
    for value in values:
        rows = np.zeros(column.rows, np.bool_)
        rows[column.present] = column.values == value
        written: Any = bool(value) if column.type is FieldType.BOOLEAN else json_value(column, value)
        node = Comparison("==", Path((column.name,)), Literal(written))
        yield _If(rows, node, f"{column.name} is {written}", f"{column.name}_{written}")


def _implied(table: Table, condition: _If, other: Column, tried: int) -> Proposal | None:
    count = int(condition.rows.sum())
    if count < ENOUGH:
        return None
    within = other.present[condition.rows]
    state = bool(within[0])
    if not (within == state).all():
        return None
    share = float((other.present == state).mean())
    if coincidence(share, count, tried):
        return None
    opposite = _opposite(condition.node)
    return Proposal(
        table.entity,
        f"{condition.name}_{other.name}",
        f"If {condition.words}, {_has(other, state)}",
        Logic("or", opposite, IsNull(Path((other.name,)), negated=state)),
        Support(count, count),
    )


def _opposite(node: Node) -> Node:
    if isinstance(node, IsNull):
        return IsNull(node.value, negated=not node.negated)
    assert isinstance(node, Comparison)
    return Comparison("!=", node.left, node.right)
