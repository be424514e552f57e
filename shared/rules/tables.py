"""Rows as columns: what rules are evaluated on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Texts:
    """The different texts of a column, each once."""

    texts: tuple[str, ...]

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Each text → its place in `texts`."""
        return {text: code for code, text in enumerate(self.texts)}


@dataclass(frozen=True, eq=False)
class Column:
    """The values of a column, one a row.

    values: int64 for integers, money (minor units), dates (days since 1970), datetimes and times (microseconds since
    1970, UTC, or since midnight) and durations (microseconds); float64 for numbers, without NaN where it is known;
    bool; for texts, places in `texts`. Of json only `known` matters.
    known: False for rows whose value is null; None if no value is.
    """

    values: Array
    known: NDArray[np.bool_] | None = None
    texts: Texts | None = None

    _bounds: dict[tuple[int, int], tuple[Any, Any]] = field(default_factory=dict, init=False, repr=False)

    def bounds(self, start: int, stop: int) -> tuple[Any, Any]:
        """The smallest and the largest value of some rows, nulls' included; a column looks at its values once."""
        if (start, stop) not in self._bounds:
            self._bounds[start, stop] = bounds_of(self.values[start:stop])
        return self._bounds[start, stop]


def bounds_of(values: Array) -> tuple[Any, Any]:
    """The smallest and the largest of some values, as Python's numbers; (0, 0) if there are none."""
    return (values.min().item(), values.max().item()) if len(values) else (0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Children:
    """The children of all rows. Those of row i are the rows from offsets[i] to offsets[i + 1] of `table`."""

    table: "Table"
    offsets: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Parents:
    """The parent of each row: a row of `table`, or -1 if it has none."""

    table: "Table"
    rows: NDArray[np.int64]

    @cached_property
    def all_known(self) -> bool:
        """True if every row has a parent."""
        return bool(self.rows.min(initial=0) >= 0)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows of one entity. children, parents: by the names in the schema, at least those that the rule names."""

    rows: int
    columns: Mapping[str, Column]
    children: Mapping[str, Children] = field(default_factory=dict)
    parents: Mapping[str, Parents] = field(default_factory=dict)


def text_column(texts: Iterable[str | None]) -> Column:
    """A column of texts; None is null."""
    codes: dict[str, int] = {}
    values = np.array([-1 if text is None else codes.setdefault(text, len(codes)) for text in texts], np.int32)
    known = values >= 0
    return Column(np.maximum(values, 0), None if known.all() else known, Texts(tuple(codes) or ("",)))
