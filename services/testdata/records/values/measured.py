"""Values as sample rows have them: how each field is distributed, and how pairs of fields go together.

Only numbers that several rows have together are kept of the sample: shares of values, and means of neighbouring values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.tables import Column, Numbers, Rows, Strings, Texts
from services.testdata.records.values.draws import Draws
from services.testdata.records.values.numbers import CALENDAR, MACHINE, NULL_LANE, ChoiceFiller, WholeFiller
from shared.model.packs.model import Field, FieldType

Floats = NDArray[np.float64]

OFTEN = 5
"""What sample rows have in fewer rows than these may identify somebody, so it is not told."""
LEAST_ROWS = 20
"""Fewer values than these say too little about a distribution."""
_MOST_GROUPS, _MOST_VALUES = 200, 50
_NORMAL = NormalDist()
_Z = np.linspace(-6, 6, 4097)
_BELOW = np.array([_NORMAL.cdf(float(z)) for z in _Z])
_HEIGHT = np.array([_NORMAL.pdf(float(z)) for z in _Z])


def normal(units: Floats) -> Floats:
    """The standard normal numbers below which so much of the distribution lies."""
    found: Floats = np.interp(units, _BELOW, _Z)
    return found


@dataclass(frozen=True, eq=False)
class Distribution:
    """Of numbers. at, values: the value at each share of the rows; values between are interpolated.

    steps: instead, up to each share of the rows is the same value.
    """

    at: Floats
    values: Floats
    steps: bool

    @classmethod
    def of(cls, values: Floats) -> Self | None:
        """That of these numbers; None if they are too few.

        Few different values that are often are kept. Of others, OFTEN neighbours or more become their mean.
        """
        count = len(values)
        if count < LEAST_ROWS:
            return None
        different, times = np.unique(values, return_counts=True)
        if len(different) <= _MOST_VALUES and times.min() >= OFTEN:
            return cls(np.cumsum(times) / count, different, True)
        groups = np.array_split(np.sort(values), min(_MOST_GROUPS, count // OFTEN))
        means = np.array([group.mean() for group in groups])
        ends = np.cumsum([len(group) for group in groups]) / count
        middles = ends - np.array([len(group) for group in groups]) / count / 2
        # Beyond the middles of the outer groups it goes on as between the last two, unless all of a group are equal.
        first = means[0] - (means[1] - means[0]) / 2 if np.ptp(groups[0]) else means[0]
        last = means[-1] + (means[-1] - means[-2]) / 2 if np.ptp(groups[-1]) else means[-1]
        if values.min() >= 0:
            first = max(first, float(values.min() > 0 and np.all(values % 1 == 0)))
        return cls(np.concatenate([[0], middles, [1]]), np.concatenate([[first], means, [last]]), False)

    def draw(self, units: Floats) -> Floats:
        """The values at these shares, each in [0, 1)."""
        if self.steps:
            return self.values[np.searchsorted(self.at[:-1], units, "right")]
        return np.interp(units, self.at, self.values)


@dataclass(frozen=True, eq=False)
class Together:
    """How the fields of an entity go together: a Gaussian copula of their ranks.

    roots: a lower triangle; the row of a field says how much it has of the normal numbers of the fields up to it.
    """

    names: tuple[str, ...]
    roots: Floats

    def units(self, draws: Draws, rows: Rows, name: str) -> Floats:
        """For each row the share of rows below the value of a field."""
        if name not in self.names:
            return draws.units(rows)
        place = self.names.index(name)
        sums = np.zeros(len(rows))
        for other in np.flatnonzero(self.roots[place]).tolist():
            sums += self.roots[place, other] * normal(draws.beside(f"~like {self.names[other]}").units(rows))
        found: Floats = np.interp(sums, _Z, _BELOW)
        return found


def together(scores: Mapping[str, Floats]) -> Together:
    """How fields go together. scores: those of all rows, NaN where the value is not known."""
    names = tuple(scores)
    found = np.eye(len(names))
    for i, one in enumerate(names):
        for j in range(i):
            first, second = scores[one], scores[names[j]]
            both = ~(np.isnan(first) | np.isnan(second))
            spread = np.nanvar(first) * np.nanvar(second)
            if both.sum() >= LEAST_ROWS and spread > 0:
                # Ties hide a part of the correlation: the score of a tie is the mean of what it stands for.
                related = float(np.mean(first[both] * second[both]) / spread)
                if abs(related) > 2 / np.sqrt(both.sum()):
                    found[i, j] = found[j, i] = np.clip(related, -0.98, 0.98)
    sizes, axes = np.linalg.eigh(found)
    fixed = (axes * np.maximum(sizes, 1e-6)) @ axes.T
    scale = np.sqrt(np.diag(fixed))
    return Together(names, np.linalg.cholesky(fixed / np.outer(scale, scale)))


def scores(values: Floats) -> Floats:
    """The normal number that stands for each value by its rank; NaN for NaN. Equal values have the mean of theirs."""
    known = ~np.isnan(values)
    out = np.full(len(values), np.nan)
    if known.any():
        _, codes, times = np.unique(values[known], return_inverse=True, return_counts=True)
        ends = np.concatenate([[0], np.cumsum(times) / known.sum()])
        heights = np.interp(normal(ends), _Z, _HEIGHT)
        heights[[0, -1]] = 0
        out[known] = (-np.diff(heights) / np.diff(ends))[codes]
    return out


@dataclass(frozen=True, eq=False)
class Like:
    """How the fields of an entity are distributed in its sample rows.

    numbers: by the names of fields. shares: for categories, how often each is among the rows, in the order in which
    they go together with other fields. nulls: for all fields that the sample has, the share of rows without a value.
    """

    numbers: Mapping[str, Distribution]
    shares: Mapping[str, Mapping[str, float]]
    nulls: Mapping[str, float]
    together: Together

    def filler(self, field: Field, usual: Any) -> Any:
        """How the values of a field are made. usual: how they are made without a sample; its bounds stay."""
        if isinstance(usual, ChoiceFiller):
            return self._choice(field, usual)
        if field.name in self.numbers and isinstance(usual, WholeFiller):
            return LikeNumbers(self._bounded(field, usual), field.name, self.numbers[field.name], self.together)
        if field.name in self.shares and field.type is FieldType.TEXT:
            longest = field.max_length
            fit = [one for one in self.shares[field.name] if field.min_length <= len(one) <= (longest or len(one))]
            if fit:
                column = Texts(type=field.type, strings=Strings.of(fit), codes=np.arange(len(fit), dtype=np.int32))
                return self._choice(field, ChoiceFiller(column))
        return usual

    def _choice(self, field: Field, usual: ChoiceFiller) -> Any:
        weights = np.zeros(len(usual.values))
        order = np.arange(len(weights))
        if isinstance(usual.values, Texts) and field.name in self.shares:
            shares = self.shares[field.name]
            texts = [usual.values.strings.texts[code] for code in usual.values.codes.tolist()]
            weights = np.array([shares.get(text, 0.0) for text in texts])
            places = {text: place for place, text in enumerate(shares)}
            order = np.argsort([places.get(text, len(places)) for text in texts], kind="stable")
        elif isinstance(usual.values, Numbers) and field.name in self.numbers and self.numbers[field.name].steps:
            found = self.numbers[field.name]
            shares_of = dict(zip(found.values.tolist(), np.diff(found.at, prepend=0).tolist(), strict=True))
            weights = np.array([shares_of.get(float(value), 0.0) for value in usual.values.values])
            order = np.argsort(usual.values.values, kind="stable")
        if not weights.sum():
            return usual
        return LikeChoice(usual.values.at(order), np.cumsum(weights[order] / weights.sum()), field.name, self.together)

    def _bounded(self, field: Field, usual: WholeFiller) -> WholeFiller:
        """The numbers that a field may have: up to its bounds, or where it has none, to those of the sample."""
        values = self.numbers[field.name].values
        unit = 10.0 ** (usual.scale or 0)
        least, most = usual.least, usual.least + (usual.space - 1) * usual.step
        machine = (field.minimum, field.maximum) in MACHINE
        if field.minimum is None or machine:
            least = int(np.floor(values[0] * unit / usual.step)) * usual.step
        if field.maximum is None or machine:
            most = int(np.ceil(values[-1] * unit / usual.step)) * usual.step
        if field.type in CALENDAR:
            first, last = CALENDAR[field.type]
            least, most = max(least, first), min(most, last)
        if field.precision is not None and field.precision < 16:
            digits = 10**field.precision - 1
            least, most = max(least, -digits), min(most, digits)
        return replace(usual, least=least, space=max(0, most - least) // usual.step + 1)


@dataclass(frozen=True, eq=False)
class LikeNumbers:
    """The numbers of another filler, distributed as in the sample."""

    of: WholeFiller
    name: str
    distribution: Distribution
    together: Together

    @property
    def space(self) -> int:
        return self.of.space

    def fill(self, draws: Draws, rows: Rows) -> Numbers:
        of = self.of
        unit = 10.0 ** (of.scale or 0)
        drawn = self.distribution.draw(self.together.units(draws, rows, self.name)) * unit
        places = np.clip(np.rint((drawn - of.least) / of.step), 0, of.space - 1).astype(np.int64)
        values: NDArray[Any] = places * of.step + of.least
        return Numbers(type=of.type, values=values if of.scale is None else values / unit, scale=of.scale)


@dataclass(frozen=True, eq=False)
class LikeChoice:
    """One of some values, as often as in the sample. ends: up to which share of the rows each is."""

    values: Column
    ends: Floats
    name: str
    together: Together

    @property
    def space(self) -> int:
        return len(self.values)

    def fill(self, draws: Draws, rows: Rows) -> Column:
        units = self.together.units(draws, rows, self.name)
        return self.values.at(np.searchsorted(self.ends[:-1], units, "right"))


@dataclass(frozen=True, eq=False)
class SomeNullFiller:
    """The values of another filler, of which a share is null."""

    of: Any
    share: float

    @property
    def space(self) -> int | None:
        space: int | None = self.of.space
        return space

    def fill(self, draws: Draws, rows: Rows) -> Column:
        column: Column = self.of.fill(draws, rows)
        return replace(column, known=draws.units(rows, NULL_LANE) >= self.share)


def ordered(texts: Sequence[str], codes: NDArray[np.int64], others: Sequence[Floats]) -> list[str]:
    """Categories in the order of the scores of the field that tells most about them; as they are if none does.

    codes: the category of each row, or -1. others: the scores of fields.
    """
    best, means = 0.01, None
    for one in others:
        both = (codes >= 0) & ~np.isnan(one)
        times = np.bincount(codes[both], minlength=len(texts))
        if both.sum() < LEAST_ROWS or not times.all() or not (spread := np.var(one[both])):
            continue
        found = np.bincount(codes[both], one[both], len(texts)) / times
        told = float(np.average((found - np.mean(one[both])) ** 2, weights=times) / spread)
        if told > best:
            best, means = told, found
    return list(texts) if means is None else [texts[place] for place in np.argsort(means, kind="stable")]
