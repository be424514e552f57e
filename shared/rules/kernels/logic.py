"""Logic with three values. A boolean that is not known is stored as False, so `and` and `or` of values are right."""

from dataclasses import replace
from functools import reduce

import numpy as np

from shared.rules.kernels.text import merged
from shared.rules.kernels.value import Known, Run, Value, both
from shared.rules.tables import Array
from shared.rules.typed import Apply


def conjunction(run: Run, part: Apply, given: list[Value]) -> Value:
    """False if one is false; else unknown if one is unknown."""
    return reduce(_and, given)


def disjunction(run: Run, part: Apply, given: list[Value]) -> Value:
    """True if one is true; else unknown if one is unknown."""
    return reduce(_or, given)


def negation(run: Run, part: Apply, given: list[Value]) -> Value:
    (one,) = given
    return Value(~one.values if one.known is None else ~one.values & one.known, one.known)


def is_null(run: Run, part: Apply, given: list[Value]) -> Value:
    (one,) = given
    return Value(np.zeros(1, np.bool_) if one.known is None else ~one.known)


def choose(run: Run, part: Apply, given: list[Value]) -> Value:
    """The second where the first is true, the third where it is false; unknown where that is unknown."""
    test, chosen, other = given
    chosen, other = _alike(run, [chosen, other])
    known = _chosen_known(test, chosen.known, other.known)
    return _replaced(chosen, np.where(test.values, chosen.values, other.values), known)


def coalesce(run: Run, part: Apply, given: list[Value]) -> Value:
    """The first that is known."""
    first, *rest = _alike(run, given)
    values, known = first.values, first.known
    for one in rest:
        if known is None:
            break
        values = np.where(known, values, one.values)
        known = None if one.known is None else known | one.known
    return _replaced(first, values, known)


def _and(one: Value, other: Value) -> Value:
    if one.known is None and other.known is None:
        return Value(one.values & other.values)
    known = both(one.known, other.known)
    for side in (one, other):
        known = known | (~side.values if side.known is None else ~side.values & side.known)  # type: ignore[operator]
    return Value(one.values & other.values, known)


def _or(one: Value, other: Value) -> Value:
    values = one.values | other.values
    known = both(one.known, other.known)
    return Value(values, None if known is None else known | values)


def _replaced(value: Value, values: Array, known: Known) -> Value:
    if values.dtype == np.bool_ and known is not None:
        values = values & known
    return replace(value, values=values, known=known, bounds=None, look=None)


def _chosen_known(test: Value, chosen: Known, other: Known) -> Known:
    if chosen is None and other is None:
        return test.known
    yes = np.ones(1, np.bool_)
    known = np.where(test.values, yes if chosen is None else chosen, yes if other is None else other)
    return both(test.known, known)


def _alike(run: Run, given: list[Value]) -> list[Value]:
    """The values, with one list of texts if they are texts."""
    if all(one.texts is None for one in given):
        return given
    texts, codes = merged(run, given)
    return [replace(one, values=code, texts=texts) for one, code in zip(given, codes, strict=True)]
