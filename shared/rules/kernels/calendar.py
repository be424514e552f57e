"""Dates: days since 1970 in the Gregorian calendar."""

import numpy as np

from shared.rules.kernels.value import Run, Value
from shared.rules.tables import Array
from shared.rules.typed import Apply


def whole(run: Run, part: Apply, given: list[Value]) -> Value:
    """The first divided by the second, rounded down: the day of a datetime."""
    return Value(given[0].values // given[1].values, given[0].known)


def year(run: Run, part: Apply, given: list[Value]) -> Value:
    return Value(_since(given[0], "Y") + 1970, given[0].known)


def month(run: Run, part: Apply, given: list[Value]) -> Value:
    return Value(_since(given[0], "M") % 12 + 1, given[0].known)


def day(run: Run, part: Apply, given: list[Value]) -> Value:
    """The day of the month, from 1."""
    months = _dates(given[0]).astype("datetime64[M]")
    return Value(given[0].values - months.astype("datetime64[D]").astype(np.int64) + 1, given[0].known)


def _since(value: Value, unit: str) -> Array:
    return _dates(value).astype(f"datetime64[{unit}]").astype(np.int64)


def _dates(value: Value) -> Array:
    return np.ascontiguousarray(value.values).view("datetime64[D]")
