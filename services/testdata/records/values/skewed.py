"""Values as businesses have them: few large ones and many small ones, popular ones, and busy days and hours."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.tables import Numbers, Rows, Texts
from services.testdata.records.values.draws import Draws
from services.testdata.records.values.texts import PoolFiller
from shared.model.packs.model import FieldType

_OWN, _WHICH, _TIME = 0, 4, 5
"""Lanes of draws."""
_SIZE = "~size"
"""The field that the sizes of a record share."""
_WEEK = (1.0, 0.98, 0.98, 1.02, 1.15, 0.95, 0.75)
"""How busy days are, from Monday."""
_YEAR = (0.85, 0.85, 0.95, 0.95, 1.0, 1.0, 0.9, 0.9, 1.0, 1.05, 1.3, 1.45)
"""How busy months are."""
_DAY = (2, 1, 1, 1, 1, 2, 4, 8, 12, 14, 15, 15, 16, 15, 14, 14, 15, 16, 18, 20, 20, 16, 10, 5)
"""How busy hours are."""
_MICROSECONDS, _SECOND = 86_400_000_000, 1_000_000


@dataclass(frozen=True, eq=False)
class SkewedFiller:
    """`space` numbers from `least` in steps of `step`, of which small ones are much likelier: a unit draw to the third.

    Half of the values of a record come from one draw that its skewed fields share, so large ones go together
    (Spearman's correlation of two such fields is 0.25).
    """

    type: FieldType
    least: int
    space: int
    step: int = 1
    scale: int | None = None

    def fill(self, draws: Draws, rows: Rows) -> Numbers:
        shared = draws.codes(rows, 2, _WHICH) == 0
        units = np.where(shared, draws.beside(_SIZE).units(rows), draws.units(rows, _OWN))
        values: NDArray[Any] = (
            np.minimum((units**3 * self.space).astype(np.int64), self.space - 1) * self.step + self.least
        )
        if self.scale is not None:
            values = values / 10.0**self.scale
        return Numbers(type=self.type, values=values, scale=self.scale)


@dataclass(frozen=True, eq=False)
class PopularFiller:
    """The texts of a pool, of which the first are much likelier."""

    of: PoolFiller
    space: None = None

    def fill(self, draws: Draws, rows: Rows) -> Texts:
        of = self.of
        units = draws.beside(of.group).units(rows)
        codes = of.lookup[(units**2 * len(of.lookup)).astype(np.int64)]
        return Texts(type=of.type, strings=of.strings, codes=codes)


@dataclass(frozen=True, eq=False)
class SeasonalFiller:
    """Dates (days) or datetimes (microseconds) from `least` to `most`: busy seasons, weekdays and hours."""

    type: FieldType
    least: int
    most: int
    space: None = None

    def fill(self, draws: Draws, rows: Rows) -> Numbers:
        size = 1 if self.type is FieldType.DATE else _MICROSECONDS
        first, last = self.least // size, self.most // size
        ends = _busy_days(first, last)
        days = first + np.searchsorted(ends[:-1], draws.units(rows) * ends[-1], "right")
        if self.type is FieldType.DATE:
            return Numbers(type=self.type, values=days)
        hours_end = np.cumsum(_DAY)
        hours = np.searchsorted(hours_end[:-1], draws.units(rows, _TIME) * hours_end[-1], "right")
        seconds = hours * 3_600 + draws.below(rows, 3_600, _TIME + 1)
        return Numbers(type=self.type, values=np.clip(days * size + seconds * _SECOND, self.least, self.most))


@lru_cache(maxsize=64)
def _busy_days(first: int, last: int) -> NDArray[np.float64]:
    """The sums of how busy the days are, numbered from 1970, up to each."""
    days = np.arange(first, last + 1)
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    # 1 January 1970 was a Thursday.
    sums: NDArray[np.float64] = np.cumsum(np.array(_WEEK)[(days + 3) % 7] * np.array(_YEAR)[months])
    return sums


def popular(count: int) -> tuple[float, ...]:
    """Weights of values by Zipf's law: the first is the likeliest."""
    return tuple(1 / rank for rank in range(1, count + 1))
