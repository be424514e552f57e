"""Folds: from the values of children to one value for each row, which may have none."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shared.rules.kernels.value import LOWEST, Known, Run, Value, condition, fit
from shared.rules.syntax import LARGEST
from shared.rules.tables import Array
from shared.rules.typed import Fold


@dataclass(frozen=True, eq=False)
class Groups:
    """The children of rows: those of row i are from offsets[i] to offsets[i + 1]."""

    offsets: NDArray[np.int64]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many children each row has."""
        return np.diff(self.offsets)

    @cached_property
    def some(self) -> NDArray[np.bool_] | None:
        """Which rows have children; None if all have."""
        some = self.counts > 0
        return None if some.all() else some

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where the children begin of the rows that have some."""
        return self.offsets[:-1] if self.some is None else self.offsets[:-1][self.some]

    def sums(self, values: Array) -> NDArray[np.int64]:
        """The sums of integers or the counts of True. They are exact if they fit, although the running sum may not."""
        running = np.zeros(len(values) + 1, np.int64)
        np.cumsum(values, out=running[1:])
        ends = running[self.offsets]
        return ends[1:] - ends[:-1]

    def reduced(self, function: np.ufunc, values: Array) -> Array:
        """The function over the children of each row, which has no meaning without any; NumPy takes a neighbour's."""
        if not len(self.starts):
            return np.zeros(len(self.counts), values.dtype)
        reduced: Array = function.reduceat(values, self.starts)
        if self.some is None:
            return reduced
        result = np.zeros(len(self.counts), values.dtype)
        result[self.some] = reduced
        return result


def folded(run: Run, part: Fold, value: Value, groups: Groups) -> Value:
    """The fold of the children's values, one for each child.

    A child without a value makes the result unknown, except where the others settle `any` and `all`.
    """
    all_known = None if value.known is None else groups.sums(~value.known) == 0
    match part.fold:
        case "any":
            found = groups.sums(value.values) > 0
            return condition(found, None if all_known is None else all_known | found)
        case "all":
            refuted = groups.sums(~value.values if value.known is None else ~value.values & value.known) > 0
            return condition(~refuted, None if all_known is None else all_known | refuted)
        case "count":
            return Value(groups.sums(value.values), all_known)
        case "sum":
            return _sum(run, part, value, groups, all_known)
        case "min" | "max":
            values = groups.reduced(np.minimum if part.fold == "min" else np.maximum, value.values)
            known = groups.some if all_known is None or groups.some is None else groups.some & all_known
            return Value(values, all_known if groups.some is None else known, bounds=value.bounds, look=value.look)


def _sum(run: Run, part: Fold, value: Value, groups: Groups, known: Known) -> Value:
    if value.values.dtype.kind == "f":
        sums = groups.reduced(np.add, value.values)
        finite = np.isfinite(sums)
        return Value(sums, known) if finite.all() else run.fitting(part, sums, finite, known)
    for exact in (False, True):
        least, most = value.range(exact)
        longest = int(groups.counts.max(initial=0)) if exact else len(value.values)
        within = min(0, least * longest), max(0, most * longest)
        if fit(within):
            return Value(groups.sums(value.values), known, bounds=within)
    # Python's integers have no largest one.
    ends = pairwise(groups.offsets.tolist())
    sums = np.array([sum(value.values[start:stop].tolist()) for start, stop in ends], object)
    fits = ((sums >= LOWEST) & (sums <= LARGEST)).astype(np.bool_)
    return run.fitting(part, np.where(fits, sums, 0).astype(np.int64), fits, known)
