"""The values of a part of an expression for some rows, and what all operations need."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.rules.syntax import LARGEST
from shared.rules.tables import Array, Texts, bounds_of
from shared.rules.typed import Apply, Fold

LOWEST = -LARGEST - 1
Known = NDArray[np.bool_] | None
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Value:
    """Values of rows, or one value for all of them: arrays of as many elements, or of one.

    values: as in a Column. Where `known` is False, a boolean is False, and anything else means nothing.
    bounds: no known value is below or above them; None if nobody looked. look: finds them.
    fresh: nothing else uses the array `values`, so that a result may be written into it.
    denominator: of an amount that was divided by a column, in which `values` count; greater than 0.
    """

    values: Array
    known: Known = None
    texts: Texts | None = None
    bounds: tuple[Any, Any] | None = None
    denominator: Array | None = None
    fresh: bool = False
    look: Callable[[], tuple[Any, Any]] | None = None

    def range(self, exact: bool = False) -> tuple[Any, Any]:
        """What no value is below or above, as Python's numbers. exact: the smallest and largest that are known."""
        if exact:
            some = self.values if self.known is None else self.values[np.broadcast_to(self.known, self.values.shape)]
            return bounds_of(some)
        if self.bounds is None:
            self.bounds = self.look() if self.look else bounds_of(self.values)
        return self.bounds


@dataclass(slots=True)
class Run:
    """One evaluation. lost: of each part whose result was too large, the number of rows in which it was.

    kept: what is computed once for all rows, such as which texts of a column match.
    """

    lost: dict[Apply | Fold, int] = field(default_factory=dict)
    kept: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The result of `compute`, which is called once for a key."""
        if key not in self.kept:
            self.kept[key] = compute()
        result: T = self.kept[key]
        return result

    def fitting(self, part: Apply | Fold, values: Array, fits: NDArray[np.bool_], known: Known) -> Value:
        """The values, unknown where they do not fit."""
        lost = ~fits if known is None else ~fits & known
        self.lost[part] = self.lost.get(part, 0) + int(np.count_nonzero(lost))
        return Value(np.where(fits, values, 0), both(fits, known))


Kernel = Callable[[Run, Apply, list[Value]], Value]
"""(the evaluation, the operation, the values of its arguments) → its values."""


def operands(left: Value, right: Value) -> tuple[Any, Any]:
    """The values of two, a scalar where one has the same for all rows: NumPy is faster with those."""
    one, other = left.values, right.values
    if len(one) == len(other):
        return one, other
    return one[0] if len(one) == 1 else one, other[0] if len(other) == 1 else other


def both(one: Known, other: Known) -> Known:
    """Where both are known."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def fit(bounds: tuple[Any, Any]) -> bool:
    """True if integers within bounds fit into 64 bits."""
    return bool(bounds[0] >= LOWEST and bounds[1] <= LARGEST)


def condition(values: NDArray[np.bool_], known: Known) -> Value:
    """True or false, where it is known."""
    return Value(values if known is None else values & known, known)
