"""Comparisons. Integers compare exactly; numbers are equal if they differ by less than a billionth of the larger."""

from collections.abc import Callable, Mapping

import numpy as np

from shared.rules.kernels.logic import disjunction
from shared.rules.kernels.text import compare_texts
from shared.rules.kernels.value import Run, Value, both, condition, operands
from shared.rules.tables import Array
from shared.rules.typed import Apply

TOLERANCE = 1e-9

INTEGER_COMPARISONS: Mapping[str, Callable[[Array, Array], Array]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_NUMBER_COMPARISONS: Mapping[str, Callable[[Array, Array], Array]] = {
    "==": lambda difference, least: np.abs(difference) <= least,
    "!=": lambda difference, least: np.abs(difference) > least,
    "<": lambda difference, least: difference < -least,
    "<=": lambda difference, least: difference <= least,
    ">": lambda difference, least: difference > least,
    ">=": lambda difference, least: difference >= -least,
}


def compare(run: Run, part: Apply, given: list[Value]) -> Value:
    """Compare by the operator in part.detail."""
    return _compared(run, part.detail, *given)


def member(run: Run, part: Apply, given: list[Value]) -> Value:
    """True where the first equals one of the others."""
    value, *items = given
    return disjunction(run, part, [_compared(run, "==", value, item) for item in items])


def _compared(run: Run, operator: str, left: Value, right: Value) -> Value:
    known = both(left.known, right.known)
    if left.texts is not None and right.texts is not None:
        return condition(compare_texts(run, operator, left, right), known)
    if left.values.dtype.kind != "f":
        return condition(INTEGER_COMPARISONS[operator](*operands(left, right)), known)
    if len(right.values) == 1:
        return condition(_beside(operator, left.values, right.values.item()), known)
    difference = left.values - right.values
    least = np.maximum(np.abs(left.values), np.abs(right.values)) * TOLERANCE
    return condition(_NUMBER_COMPARISONS[operator](difference, least), known)


def _beside(operator: str, values: Array, one: float) -> Array:
    """Compare numbers with one number: those between `low` and `high` are equal to it."""
    low, high = sorted((one * (1 - TOLERANCE), one / (1 - TOLERANCE)))
    match operator:
        case "<":
            return values < low
        case "<=":
            return values <= high
        case ">":
            return values > high
        case ">=":
            return values >= low
    equal: Array = (values >= low) & (values <= high)
    return equal if operator == "==" else ~equal
