"""Tables of generated records: one column for each field, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.model.packs.model import FieldType

Mask = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]
"""Numbers of rows of an entity, from 0."""


@dataclass(frozen=True, eq=False)
class Strings:
    """Texts, concatenated as UTF-8. Columns refer to them by number.

    blob: all bytes. starts: the offset of each text; the last entry is the end.
    """

    blob: NDArray[np.uint8]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """These texts, in this order."""
        encoded = [text.encode() for text in texts]
        return cls(
            np.frombuffer(b"".join(encoded), np.uint8), np.cumsum([0, *(len(text) for text in encoded)], dtype=np.int64)
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The texts. Slow for millions of them."""
        data, starts = self.blob.tobytes(), self.starts.tolist()
        return tuple(data[start:stop].decode() for start, stop in pairwise(starts))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Numbers:
    """One number a row.

    values: int64 for integers, money (minor units), dates (days since 1970), datetimes (microseconds since 1970, UTC),
    times (microseconds since midnight), durations (microseconds) and booleans (0 or 1); float64 for numbers.
    scale: digits after the point of float64 values, if each value has at most so many.
    known: False for rows whose value is null; None if no value is.
    """

    type: FieldType
    values: NDArray[Any]
    scale: int | None = None
    known: Mask | None = None

    def __len__(self) -> int:
        return len(self.values)

    def at(self, rows: Rows | slice) -> "Numbers":
        """The values of these rows, counted from the first of the column."""
        return replace(self, values=self.values[rows], known=_at(self.known, rows))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Texts:
    """One text a row: text, identifiers that are text, and JSON as text.

    codes: the number of each row's text in `strings`. Several rows may share a text.
    distinct: True if `codes` counts from 0, so that row i has text i.
    """

    type: FieldType
    strings: Strings
    codes: NDArray[np.int32]
    distinct: bool = False
    known: Mask | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def at(self, rows: Rows | slice) -> "Texts":
        """The texts of these rows, counted from the first of the column."""
        codes, known = self.codes[rows], _at(self.known, rows)
        if not self.distinct or not isinstance(rows, slice):
            return replace(self, codes=codes, distinct=False, known=known)
        first, stop, _ = rows.indices(len(self))
        starts = self.strings.starts[first : max(first, stop) + 1]
        strings = Strings(self.strings.blob[starts[0] : starts[-1]], starts - starts[0])
        return replace(self, strings=strings, codes=np.arange(len(codes), dtype=np.int32), known=known)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Uuids:
    """One UUID a row, by its high and its low 64 bits: text such as `0b9b3f0c-6f0e-4c53-9d0f-1a2b3c4d5e6f`."""

    type: FieldType
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    known: Mask | None = None

    def __len__(self) -> int:
        return len(self.high)

    def at(self, rows: Rows | slice) -> "Uuids":
        """The UUIDs of these rows, counted from the first of the column."""
        return replace(self, high=self.high[rows], low=self.low[rows], known=_at(self.known, rows))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Serials:
    """Numbered texts: `prefix` and a number from 0, with zeros in front up to `width` digits, such as `ORD-000017`."""

    type: FieldType
    prefix: str
    numbers: NDArray[np.int64]
    width: int = 0
    known: Mask | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def at(self, rows: Rows | slice) -> "Serials":
        """The texts of these rows, counted from the first of the column."""
        return replace(self, numbers=self.numbers[rows], known=_at(self.known, rows))


Column: TypeAlias = Numbers | Texts | Uuids | Serials
"""The values of one field, with its type and the mask `known`."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Records of one entity.

    columns: by the names of the fields, in their order. first: the number of the first row among all of the entity.
    generated: the columns that a database fills, which SQL leaves out. arrays: JSON lists that SQL writes as arrays.
    """

    entity: str
    columns: Mapping[str, Column]
    rows: int
    first: int = field(default=0, kw_only=True)
    generated: frozenset[str] = field(default=frozenset(), kw_only=True)
    arrays: frozenset[str] = field(default=frozenset(), kw_only=True)

    def part(self, start: int, stop: int) -> "Table":
        """The rows from `start` to before `stop`, counted from the first of the table."""
        columns = {name: column.at(slice(start, stop)) for name, column in self.columns.items()}
        return replace(self, columns=columns, rows=stop - start, first=self.first + start)


def _at(known: Mask | None, rows: Rows | slice) -> Mask | None:
    return None if known is None else known[rows]
