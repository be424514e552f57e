"""Arithmetic. Integers are exact: a result beyond 64 bits is unknown, and so is a number that is not finite."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from shared.rules.kernels.value import LOWEST, Run, Value, both, fit, operands
from shared.rules.syntax import LARGEST
from shared.rules.tables import Array
from shared.rules.typed import Apply

Bounds = tuple[Any, Any]


def add(run: Run, part: Apply, given: list[Value]) -> Value:
    return _exact(run, part, np.add, given, lambda a, b: (a[0] + b[0], a[1] + b[1]))


def subtract(run: Run, part: Apply, given: list[Value]) -> Value:
    return _exact(run, part, np.subtract, given, lambda a, b: (a[0] - b[1], a[1] - b[0]))


def multiply(run: Run, part: Apply, given: list[Value]) -> Value:
    return _exact(run, part, np.multiply, given, _product)


def negate(run: Run, part: Apply, given: list[Value]) -> Value:
    return _exact(run, part, np.negative, given, lambda a: (-a[1], -a[0]))


def absolute(run: Run, part: Apply, given: list[Value]) -> Value:
    return _exact(run, part, np.absolute, given, lambda a: (0, max(abs(a[0]), abs(a[1]))))


def divide(run: Run, part: Apply, given: list[Value]) -> Value:
    """The quotient of two numbers; unknown where the divisor is 0."""
    left, right = given
    divisor, known = _divisor(right)
    values, known = left.values / (divisor[0] if len(divisor) == 1 else divisor), both(left.known, known)
    least, most = right.range()
    if least > 0 or most < 0:
        corners = [a / b for a in left.range() for b in (least, most)]
        if all(map(isfinite, corners)):
            return Value(values, known, bounds=(min(corners), max(corners)))
    return _finite(run, part, values, known)


def remainder(run: Run, part: Apply, given: list[Value]) -> Value:
    """What is left of the first after dividing it, with the sign of the second; unknown where that is 0."""
    left, right = given
    divisor, known = _divisor(right)
    return _finite(run, part, np.remainder(left.values, divisor), both(left.known, known))


def to_number(run: Run, part: Apply, given: list[Value]) -> Value:
    (one,) = given
    bounds = None if one.bounds is None else (float(one.bounds[0]), float(one.bounds[1]))
    return Value(one.values.astype(np.float64), one.known, bounds=bounds)


def rounded(run: Run, part: Apply, given: list[Value]) -> Value:
    """The nearest integer; a half goes away from zero."""
    return whole(run, part, _half_away(given[0].values), given[0])


def floor(run: Run, part: Apply, given: list[Value]) -> Value:
    return whole(run, part, np.floor(given[0].values), given[0])


def ceil(run: Run, part: Apply, given: list[Value]) -> Value:
    return whole(run, part, np.ceil(given[0].values), given[0])


def round_to(run: Run, part: Apply, given: list[Value]) -> Value:
    """The number with this many decimals (part.detail) that is nearest; a half goes away from zero."""
    (one,) = given
    scale = 10.0**part.detail
    scaled = one.values * scale
    # From 2^52 on, a number has no decimals that could be rounded away.
    values = np.where(np.abs(scaled) < 2.0**52, _half_away(scaled) / scale, one.values)
    return Value(values, one.known)


def least(run: Run, part: Apply, given: list[Value]) -> Value:
    return _folded(np.minimum, given)


def greatest(run: Run, part: Apply, given: list[Value]) -> Value:
    return _folded(np.maximum, given)


def whole(run: Run, part: Apply, values: Array, of: Value) -> Value:
    """Numbers without decimals as integers; unknown where they are too large."""
    fits = np.abs(values) < 2.0**63
    if fits.all():
        return Value(values.astype(np.int64), of.known)
    return run.fitting(part, np.where(fits, values, 0).astype(np.int64), fits, of.known)


def product(run: Run, part: Apply, left: Value, right: Value) -> Value:
    """The exact product of integers."""
    return _exact(run, part, np.multiply, [left, right], _product)


def _product(a: Bounds, b: Bounds) -> Bounds:
    corners = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
    return min(corners), max(corners)


def _exact(run: Run, part: Apply, function: np.ufunc, given: list[Value], bounds: Callable[..., Bounds]) -> Value:
    """The function of integers or numbers. bounds: of its result, from those of the arguments.

    Most results fit, which their bounds show without a look at each of them.
    """
    known = given[0].known if len(given) == 1 else both(given[0].known, given[1].known)
    arrays = [one.values for one in given] if len(given) == 1 else operands(*given)
    numbers = given[0].values.dtype.kind == "f"
    for exact in (False, True):
        within = bounds(*(one.range(exact) for one in given))
        if isfinite(within[0]) and isfinite(within[1]) if numbers else fit(within):
            return Value(function(*arrays, out=_reused(given)), known, bounds=within, fresh=True)
    if numbers:
        return _finite(run, part, function(*arrays), known)
    # Python's integers have no largest one.
    results = function(*(one.values.astype(object) for one in given))
    fits = ((results >= LOWEST) & (results <= LARGEST)).astype(np.bool_)
    return run.fitting(part, np.where(fits, results, 0).astype(np.int64), fits, known)


def _reused(given: list[Value]) -> Array | None:
    """The array of an argument that the result may be written into."""
    lengths = [len(one.values) for one in given]
    rows = max(lengths) if min(lengths) else 0  # one value for all rows is there for no rows, too
    return next((one.values for one in given if one.fresh and len(one.values) == rows), None)


def _divisor(value: Value) -> tuple[Array, Any]:
    """What can be divided by, and where it is known: not where the divisor is 0."""
    least, most = value.range()
    if (least > 0 or most < 0) and value.known is None:
        return value.values, None
    fits = value.values != 0
    if fits.all():
        return value.values, value.known
    return np.where(fits, value.values, 1), both(value.known, fits)


def _finite(run: Run, part: Apply, values: Array, known: Any) -> Value:
    if values.dtype.kind != "f" or not len(values) or (isfinite(values.min()) and isfinite(values.max())):
        return Value(values, known)
    return run.fitting(part, values, np.isfinite(values), known)


def _half_away(values: Array) -> Array:
    towards: Array = np.trunc(values)
    away: Array = towards + np.copysign(np.abs(values - towards) >= 0.5, values)
    return away


def _folded(function: np.ufunc, given: list[Value]) -> Value:
    first, *rest = given
    values, known = first.values, first.known
    for one in rest:
        values, known = function(values, one.values), both(known, one.known)
    return Value(values, known)
