"""Compares how personas talk with how people do.

The distance of a measure is the Kolmogorov-Smirnov distance between the values of the conversations. Samples of finite
size are never at distance 0, so the floor is the distance of one half of the people from the other half. Both are taken
again and again: in each split, the people are halved at random, and one half is compared with as many conversations of
the other half and with as many of the personas, at most half of those. Half a sample drawn without replacement varies
about its whole as the whole varies about its population (Politis, Romano and Wolf 1999, Subsampling), so the middle
95 % of the splits are an interval of the distance, and those of the people are the band of the floor.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.evaluator.calibrations.model import Compared, Estimate, Group, Measured, Result, Shown, unpack_measured
from services.evaluator.calibrations.talk import MEASURES
from services.evaluator.calibrations.traits import Trait
from services.evaluator.statistics.distance import cliffs_delta, kolmogorov_smirnov

SPLITS = 200
FEWEST_PEOPLE, FEWEST_OF_PERSONA = 20, 10
"""The fewest conversations that are compared."""
_FEWEST_OF_SPLIT = 4
_BAND = (2.5, 97.5)
_SEED = 18

_Values = NDArray[np.float64]
_Counts = NDArray[np.int64]


def compare_events(events: Sequence[bytes]) -> Result | tuple[int, int]:
    """What the calibration finds, or the number of people and of personas' conversations if these are too few.

    The last event of a conversation counts, as it may have been retried.
    """
    read = map(unpack_measured, events)
    return compare(list({(one.is_person, one.conversation): one for one in read}.values()))


def compare(conversations: Sequence[Measured]) -> Result | tuple[int, int]:
    """What the calibration finds, or the number of people and of personas' conversations if these are too few.

    If a persona went on from a source, its opening is a person's. Then all are measured after the agent's first answer.
    """
    personas = [one for one in conversations if not one.is_person]
    after = any(one.copied for one in personas)

    def values(some: Sequence[Measured]) -> _Values:
        known = [one.after if after else one.whole for one in some]
        return np.array([each for each in known if each is not None], dtype=float).reshape(-1, len(MEASURES))

    people, theirs = values([one for one in conversations if one.is_person]), values(personas)
    if len(people) < FEWEST_PEOPLE or len(theirs) < FEWEST_OF_PERSONA:
        return len(people), len(theirs)
    groups = [_group("", "", (), people, theirs)]
    for name, own in _by_persona(personas).items():
        if len(some := values(own)) >= FEWEST_OF_PERSONA and name:
            groups.append(_group(name, own[0].display_name, own[0].traits, people, some))
    return Result(after, len(people), len(theirs), tuple(groups))


def _by_persona(personas: Sequence[Measured]) -> Mapping[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for one in sorted(personas, key=lambda one: (one.display_name, one.persona)):
        found.setdefault(one.persona, []).append(one)
    return found


def _group(persona: str, display_name: str, traits: Sequence[Trait], people: _Values, own: _Values) -> Group:
    enough = _known(people) >= FEWEST_PEOPLE
    compared = np.flatnonzero(enough & (_known(own) >= FEWEST_OF_PERSONA))
    floors, distances, shifts = _splits(people[:, compared], own[:, compared])
    measures = tuple(
        Compared(
            measure=MEASURES[which].name,
            people=float(np.nanmean(people[:, which])),
            personas=float(np.nanmean(own[:, which])),
            people_count=int(_known(people)[which]),
            personas_count=int(_known(own)[which]),
            distance=_estimate(distances[:, place]),
            floor=_estimate(floors[:, place]),
            shift=_estimate(shifts[:, place]),
        )
        for place, which in enumerate(compared)
    )
    return Group(
        persona=persona,
        display_name=display_name,
        conversations=len(own),
        distance=_estimate(np.nanmean(distances, axis=1)),
        floor=_estimate(np.nanmean(floors, axis=1)),
        measures=measures,
        traits=tuple(_shown(traits, measures)),
    )


def _known(values: _Values) -> _Counts:
    """How many conversations have each measure."""
    counts: _Counts = np.count_nonzero(~np.isnan(values), axis=0)
    return counts


def _shown(traits: Sequence[Trait], measures: Sequence[Compared]) -> Iterator[Shown]:
    """The traits whose measure was compared."""
    by_name = {one.measure: one for one in measures}
    for trait in traits:
        if (found := by_name.get(trait.measure)) is not None:
            shift = found.shift
            yield Shown(trait.name, trait.measure, trait.above, shift.low > 0 if trait.above else shift.high < 0)


def _splits(people: _Values, own: _Values) -> tuple[_Values, _Values, _Values]:
    """(floors, distances, shifts) of each split, a column for each measure; NaN if too few conversations have it."""
    ranked = _Ranked(np.concatenate([people, own]))
    half, size = len(people) // 2, max(min(len(people) // 2, len(own) // 2), 1)
    draws = np.random.default_rng(_SEED)
    floors, distances, shifts = (np.full((SPLITS, people.shape[1]), np.nan) for _ in range(3))
    for split in range(SPLITS):
        order, chosen = draws.permutation(len(people)), len(people) + draws.permutation(len(own))[:size]
        one, other = ranked.counts(order[:half]), ranked.counts(order[half : half + size])
        for place, (first, second, third) in enumerate(zip(one, other, ranked.counts(chosen), strict=True)):
            if min(first.sum(), second.sum(), third.sum()) >= _FEWEST_OF_SPLIT:
                floors[split, place] = kolmogorov_smirnov(first, second)
                distances[split, place] = kolmogorov_smirnov(first, third)
                shifts[split, place] = cliffs_delta(third, first)
    return floors, distances, shifts


class _Ranked:
    """The values of conversations as the ranks of their values, measure by measure; NaN has the rank after all."""

    def __init__(self, values: _Values) -> None:
        columns, self._ends, start = list[Any](), list[tuple[int, int]](), 0
        for column in values.T:
            known = np.unique(column[~np.isnan(column)])
            columns.append(start + np.searchsorted(known, column))
            self._ends.append((start, start + len(known)))
            start += len(known) + 1
        self._size = start
        self._ranks = np.stack(columns, axis=1) if columns else np.empty((len(values), 0), dtype=np.int64)

    def counts(self, chosen: NDArray[np.int64]) -> list[_Counts]:
        """For each measure, how often the chosen conversations have each value."""
        found = np.bincount(self._ranks[chosen].ravel(), minlength=self._size)
        return [found[start:end] for start, end in self._ends]


def _estimate(splits: _Values) -> Estimate:
    low, high = np.nanpercentile(splits, _BAND)
    return Estimate(float(np.nanmean(splits)), float(low), float(high))
