"""Fields of numbers, money and times, and choices from the values that a field lists."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.tables import Column, Numbers, Rows, Strings, Texts
from services.testdata.records.values.draws import Draws
from shared.model.packs.model import FieldType

NULL_LANE = 15
"""The lane that draws which values are null."""
_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1)
CALENDAR = {
    FieldType.DATE: ((date.min - _EPOCH).days, (date.max - _EPOCH).days),
    FieldType.DATETIME: ((date.min - _EPOCH).days * _DAY, ((date.max - _EPOCH).days + 1) * _DAY - 1),
    FieldType.TIME: (0, _DAY - 1),
}
"""The first and the last value of types that have them: the years 1 to 9999."""
MACHINE = {(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)}
"""Bounds that only say how a number is stored: its usual values lie within."""


@dataclass(frozen=True, eq=False)
class WholeFiller:
    """`space` numbers from `least` in steps of `step`, all equally likely; with a scale they are decimals."""

    type: FieldType
    least: int
    space: int
    step: int = 1
    scale: int | None = None
    unique: bool = False

    def fill(self, draws: Draws, rows: Rows) -> Numbers:
        drawn = draws.permuted(rows, self.space) if self.unique else draws.below(rows, self.space)
        values: NDArray[Any] = drawn * self.step + self.least
        if self.scale is not None:
            values = values / 10.0**self.scale
        return Numbers(type=self.type, values=values, scale=self.scale)


@dataclass(frozen=True, eq=False)
class RowFiller:
    """The number of the row, from `least`: for identifiers that are whole numbers."""

    type: FieldType
    least: int
    space: int | None = None

    def fill(self, draws: Draws, rows: Rows) -> Numbers:  # noqa: ARG002 - a number needs no chance
        return Numbers(type=self.type, values=rows + self.least)


@dataclass(frozen=True, eq=False)
class ChoiceFiller:
    """One of some values, by their weights. values: a column that has each once."""

    values: Column
    weights: tuple[float, ...] = ()
    unique: bool = False

    @property
    def space(self) -> int:
        return len(self.values)

    def fill(self, draws: Draws, rows: Rows) -> Column:
        if self.unique:
            places = draws.permuted(rows, len(self.values))
        elif self.weights:
            ends = np.cumsum(self.weights)
            places = np.searchsorted(ends[:-1], draws.units(rows) * ends[-1], "right")
        else:
            places = draws.below(rows, len(self.values))
        return self.values.at(places)


@dataclass(frozen=True, eq=False)
class NullFiller:
    """The values of another filler, of which one in `one_in` is null."""

    of: Any
    one_in: int

    @property
    def space(self) -> int | None:
        space: int | None = self.of.space
        return space

    def fill(self, draws: Draws, rows: Rows) -> Column:
        column: Column = self.of.fill(draws, rows)
        return replace(column, known=draws.codes(rows, self.one_in, NULL_LANE) != 0)


def texts_of(kind: FieldType, values: list[str]) -> Texts:
    """A column of these texts, which differ."""
    return Texts(type=kind, strings=Strings.of(values), codes=np.arange(len(values), dtype=np.int32), distinct=True)
