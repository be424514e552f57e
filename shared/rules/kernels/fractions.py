"""Amounts of money that were multiplied or divided: exact fractions of minor units until they are rounded."""

from dataclasses import replace

import numpy as np

from shared.rules.kernels.comparing import INTEGER_COMPARISONS
from shared.rules.kernels.numbers import product, whole
from shared.rules.kernels.value import Run, Value, both, condition, fit
from shared.rules.operators import MILLION
from shared.rules.tables import Array
from shared.rules.typed import Apply


def millionths(run: Run, part: Apply, given: list[Value]) -> Value:
    """Numbers as integers of millionths."""
    return whole(run, part, np.rint(given[0].values * MILLION), given[0])


def quotient(run: Run, part: Apply, given: list[Value]) -> Value:
    """Amounts divided by integers, unknown where those are 0. part.detail: the denominator of the amounts so far."""
    left, right = given
    fits = right.values != 0
    sign = Value(np.where(right.values < 0, -1, 1))
    amount = product(run, part, left, sign)
    divisor = product(run, part, replace(right, denominator=None), Value(sign.values * part.detail))
    known = both(both(amount.known, divisor.known), None if fits.all() else fits)
    return Value(amount.values, known, denominator=np.where(divisor.values > 0, divisor.values, 1))


def compare(run: Run, part: Apply, given: list[Value]) -> Value:
    """Compare amounts of which one at least has a denominator of its own in each row.

    part.detail: the comparison, and the denominators of the amounts that have one for all rows.
    """
    operator, *denominators = part.detail
    left, right = given
    one, other = (_denominator(value, denominator) for value, denominator in zip(given, denominators, strict=True))
    result = INTEGER_COMPARISONS[operator](_exact_product(left, other), _exact_product(right, one))
    return condition(result.astype(np.bool_), both(left.known, right.known))


def rounded(run: Run, part: Apply, given: list[Value]) -> Value:
    """Whole minor units; a half goes away from zero. part.detail: the denominator, 0 if each row has its own."""
    (one,) = given
    least, most = one.range()
    half = part.detail // 2
    if part.detail and fit((least - half, most + half)):
        sizes = (np.abs(one.values) + half) // part.detail
        return Value(sizes if least >= 0 else np.negative(sizes, out=sizes, where=one.values < 0), one.known)
    down, rest, denominator = _parts(one, part.detail)
    up = np.where(one.values < 0, rest > denominator - rest, rest >= denominator - rest)
    return Value(down + up, one.known)


def floor(run: Run, part: Apply, given: list[Value]) -> Value:
    down, _, _ = _parts(given[0], part.detail)
    return Value(down, given[0].known)


def ceil(run: Run, part: Apply, given: list[Value]) -> Value:
    down, rest, _ = _parts(given[0], part.detail)
    return Value(down + (rest > 0), given[0].known)


def _parts(value: Value, denominator: int) -> tuple[Array, Array, Array]:
    """Whole minor units below the value, what is left of it, and the denominator that it is left in."""
    divisor = _denominator(value, denominator)
    down = value.values // divisor
    return down, value.values - down * divisor, divisor


def _denominator(value: Value, denominator: int) -> Array:
    return value.denominator if value.denominator is not None else np.array([denominator], np.int64)


def _exact_product(value: Value, factor: Array) -> Array:
    """The values times positive factors, as Python's integers if they might not fit."""
    least, most = value.range()
    largest = int(factor.max(initial=1))
    if fit((min(0, least * largest), max(0, most * largest))):
        return value.values * factor
    product: Array = value.values.astype(object) * factor.astype(object)
    return product
