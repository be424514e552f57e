"""Which parent each record has: one of its cell, so that every reference is valid."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.generation.cell import NO_ROW, Cell, Link
from services.testdata.records.generation.likeness import Family
from services.testdata.records.generation.rules import needs_of
from services.testdata.records.tables import Rows
from services.testdata.records.values.draws import Draws
from shared.model.packs.model import Relationship
from shared.rules.typed import Column

NULL_SHARE = 0.2
"""The share of records without a parent where they may have none."""


class Means(StrEnum):
    """How parents are found.

    SPREAD: each parent gets some children, which are neighbours. FREE: each child draws one. COPY: it is the record
    that another parent refers to. LOOKUP: one that agrees with what is known of the child.
    """

    SPREAD = "spread"
    FREE = "free"
    COPY = "copy"
    LOOKUP = "lookup"


@dataclass(frozen=True, eq=False)
class Equality:
    """A column of the parent equals a column of the child, by way of a rule. Both are columns of the child in rules."""

    parent: Column
    child: Column


@dataclass(frozen=True, eq=False)
class Reference:
    """How one relationship is assigned.

    minimum, maximum: children of a parent.
    beside: relationships of the same child whose parents, with this one, at most `times` children share.
    apart: relationships of the child whose parents must be others than this one's.
    source: for COPY, the relationship that leads to the parent, and the parent's own relationship.
    allowed: for columns of the parent, the only values that rules leave.
    family: as sample rows refer, if records are drawn like them.
    """

    index: int
    relationship: Relationship
    means: Means
    required: bool
    minimum: int = 0
    maximum: int | None = None
    beside: tuple[int, ...] = ()
    times: int = 1
    apart: tuple[int, ...] = ()
    equalities: tuple[Equality, ...] = ()
    source: tuple[int, int] | None = None
    allowed: tuple[tuple[Column, tuple[str, ...]], ...] = ()
    family: Family | None = None

    @property
    def nulls(self) -> float:
        """The share of records without a parent where they may have none."""
        return NULL_SHARE if self.family is None else self.family.nulls


def assign(cell: Cell, reference: Reference, seed: int) -> None:
    """Give the children of a relationship their parents."""
    one = reference.relationship
    count, parents = cell.rows[one.child], cell.rows[one.parent]
    draws = Draws(seed, one.child, f"{reference.index} {one.parent}")
    if not parents or not count:
        rows = np.full(count, NO_ROW, np.int64)
    elif one.parent == one.child:
        rows = _of_itself(cell, reference, draws)
    else:
        match reference.means:
            case Means.SPREAD:
                rows = _spread(cell, reference, draws)
            case Means.FREE:
                rows = _free(cell, reference, draws)
                rows = rows if reference.beside or reference.maximum else _moved(cell, reference, rows)
            case Means.COPY:
                rows = _copied(cell, reference, draws)
            case Means.LOOKUP:
                rows = _looked_up(cell, reference, draws)
    cell.links[reference.index] = Link(one, rows, parents)


def _of_itself(cell: Cell, reference: Reference, draws: Draws) -> Rows:
    """An earlier record of the cell; the first has none, or itself if it must have one."""
    entity = reference.relationship.child
    places = np.arange(cell.rows[entity], dtype=np.int64)
    if reference.maximum == 1 or reference.beside:
        rows = places - 1
    else:
        rows = np.floor(draws.units(cell.numbers(entity)) * places).astype(np.int64)
    if reference.required:
        rows[0] = 0
    else:
        rows[0] = NO_ROW
        rows[draws.units(cell.numbers(entity), 1) < NULL_SHARE] = NO_ROW
    return rows


def _with_parent(cell: Cell, reference: Reference, draws: Draws) -> Rows:
    """The children that shall have a parent."""
    entity = reference.relationship.child
    count = cell.rows[entity]
    if reference.required:
        return np.arange(count, dtype=np.int64)
    some = np.flatnonzero(draws.units(cell.numbers(entity), 1) >= reference.nulls)
    most = count if reference.maximum is None else cell.rows[reference.relationship.parent] * reference.maximum
    return some[:most]


def _spread(cell: Cell, reference: Reference, draws: Draws) -> Rows:
    """Neighbours have the same parent."""
    one = reference.relationship
    children = _with_parent(cell, reference, draws)
    counts = shares(cell.numbers(one.parent), len(children), reference, draws)
    rows = np.full(cell.rows[one.child], NO_ROW, np.int64)
    # Without enough children for the minimum, or with more than the maximum, the last ones are left out; the plan
    # refuses that where a parent is required.
    of = np.repeat(np.arange(len(counts), dtype=np.int64), counts)[: len(children)]
    rows[children[: len(of)]] = of
    return rows


def shares(parents: Rows, children: int, reference: Reference, draws: Draws) -> Rows:
    """The number of children of each parent, unequal as in life or as in a sample; together as many as there are."""
    minimum, maximum = reference.minimum, reference.maximum
    counts = np.full(len(parents), minimum, np.int64)
    rest = max(0, children - minimum * len(parents))
    if reference.family is None:
        weights = 0.25 - np.log1p(-draws.units(parents, 2))
    else:
        weights = np.maximum(np.rint(reference.family.children.draw(draws.units(parents, 2))) - minimum, 0)
        if not weights.any():
            weights[:] = 1
    upto = np.floor(np.cumsum(weights) * (rest / weights.sum()))
    upto[-1] = rest
    counts += np.diff(upto, prepend=0).astype(np.int64)
    if maximum is not None and (excess := int(np.maximum(counts - maximum, 0).sum())):
        counts = np.minimum(counts, maximum)
        order = np.argsort(draws.units(parents, 3), kind="stable")
        room = (maximum - counts)[order]
        before = np.cumsum(room) - room
        counts[order] += np.clip(excess - before, 0, room)
    return counts


def _free(cell: Cell, reference: Reference, draws: Draws) -> Rows:
    one = reference.relationship
    parents, numbers = cell.rows[one.parent], cell.numbers(one.child)
    candidates = _candidates(cell, reference)
    if not len(candidates):
        candidates = np.arange(parents, dtype=np.int64)
    rows = np.full(len(numbers), NO_ROW, np.int64)
    children = _with_parent(cell, reference, draws)
    if reference.beside:
        rows[children] = _beside(cell, reference, children, candidates, draws)
    elif reference.maximum == 1:
        taken = candidates[np.argsort(draws.units(candidates, 4), kind="stable")][: len(children)]
        rows[children[: len(taken)]] = taken
    elif reference.family is not None:
        counts = shares(cell.numbers(one.parent)[candidates], len(children), reference, draws)
        taken = np.repeat(candidates, counts)[: len(children)]
        rows[children[np.argsort(draws.units(numbers[children], 9), kind="stable")[: len(taken)]]] = taken
    elif reference.maximum is not None:
        # Each parent has so many places; children take different ones.
        each = min(reference.maximum, 4 * -(-len(children) // len(candidates)))
        taken = np.argsort(draws.units(np.arange(len(candidates) * each), 4), kind="stable")[: len(children)]
        rows[children[: len(taken)]] = candidates[taken // each]
    else:
        rows[children] = candidates[draws.below(numbers[children], len(candidates))]
        if reference.minimum:
            covered = np.repeat(candidates, reference.minimum)[: len(children)]
            rows[children[np.argsort(draws.units(numbers[children], 5), kind="stable")[: len(covered)]]] = covered
    return rows


def _beside(cell: Cell, reference: Reference, children: Rows, candidates: Rows, draws: Draws) -> Rows:
    """Parents that differ among the children that share the other parents of a unique set."""
    groups = grouped([cell.links[other].rows[children] for other in reference.beside])
    rank, group = ranks(groups)
    order = np.argsort(draws.units(candidates, 6), kind="stable")
    start = draws.below(group, len(candidates), 7)
    if reference.apart and reference.apart[0] in reference.beside and len(candidates) > 1:
        # Begin after the place of the other parent, and stop before it.
        places = np.full(int(candidates.max()) + 1, -1, np.int64)
        places[candidates[order]] = np.arange(len(order))
        other = cell.links[reference.apart[0]].rows[children]
        begin = places[np.clip(other, 0, len(places) - 1)] + 1
        place = (begin + (start + rank) % (len(order) - 1)) % len(order)
    else:
        place = (start + rank) % len(order)
    parents: Rows = candidates[order[place]]
    return parents


def _moved(cell: Cell, reference: Reference, rows: Rows) -> Rows:
    """The next parent where another reference has the same."""
    parents = cell.rows[reference.relationship.parent]
    for other in reference.apart:
        same = (rows >= 0) & (rows == cell.links[other].rows)
        rows = np.where(same & (parents > 1), (rows + 1) % max(parents, 1), rows)
    return rows


def grouped(columns: Sequence[NDArray[np.int64]]) -> Rows:
    """One number for each row; equal where all columns are."""
    groups = np.zeros(len(columns[0]), np.int64)
    for one in columns:
        _, codes = np.unique(one, return_inverse=True)
        groups = groups * (int(codes.max(initial=0)) + 1) + codes
        _, groups = np.unique(groups, return_inverse=True)
    return groups.astype(np.int64)


def ranks(groups: Rows) -> tuple[Rows, Rows]:
    """The place of each row among the rows of its group, from 0, and the group again."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(groups) else order
    begun = np.repeat(first, np.diff(np.append(first, len(groups))))
    rank = np.empty(len(groups), np.int64)
    rank[order] = np.arange(len(groups)) - begun
    return rank, groups


def _copied(cell: Cell, reference: Reference, draws: Draws) -> Rows:
    assert reference.source is not None
    through, further = (cell.links[index] for index in reference.source)
    rows = further.rows[np.maximum(through.rows, 0)] if len(further.rows) else through.rows
    missing = through.rows < 0
    if missing.any():
        free = _free(cell, reference, draws)
        rows = np.where(missing, free, rows)
    return rows


def _candidates(cell: Cell, reference: Reference) -> Rows:
    """The parents that rules allow at all."""
    one = reference.relationship
    allowed = np.ones(cell.rows[one.parent], np.bool_)
    for column, values in reference.allowed:
        found = cell.view(one.parent, needs_of([column])).columns[column.name]
        if found.texts is not None:
            fits = np.array([text in values for text in found.texts.texts], np.bool_)
            allowed &= fits[found.values]
    return np.flatnonzero(allowed)


def _looked_up(cell: Cell, reference: Reference, draws: Draws) -> Rows:
    one = reference.relationship
    candidates = _candidates(cell, reference)
    pairs = []
    for equality in reference.equalities:
        above = _values(cell, one.parent, equality.parent)[candidates]
        own = _values(cell, one.child, equality.child)
        pairs.append(_common(above, own))
    above, own = (_keys([pair[side] for pair in pairs], pairs) for side in (0, 1))
    order = np.argsort(above, kind="stable")
    ordered = above[order]
    left, right = np.searchsorted(ordered, own, "left"), np.searchsorted(ordered, own, "right")
    matches = right - left
    numbers = cell.numbers(one.child)
    if reference.maximum == 1 or reference.beside:
        columns = [own, *(cell.links[other].rows for other in reference.beside)]
        place, _ = ranks(grouped(columns))
        chosen = (draws.below(own, 1 << 20, 7) + place) % np.maximum(matches, 1)
        found = place < matches
    else:
        chosen = np.floor(draws.units(numbers) * matches).astype(np.int64)
        found = matches > 0
    rows = np.full(len(own), NO_ROW, np.int64)
    rows[found] = candidates[order[(left + chosen)[found]]]
    if reference.required and not found.all():
        # No parent agrees; the check of the rule says so.
        rows[~found] = draws.below(numbers[~found], cell.rows[one.parent], 8)
    elif not reference.required:
        rows[draws.units(numbers, 1) < reference.nulls] = NO_ROW
    return rows


def _values(cell: Cell, entity: str, column: Column) -> NDArray[Any]:
    """The values of a column for all rows of an entity, by way of their parents."""
    rows, up = np.arange(cell.rows[entity]), cell.view(entity, needs_of([column]))
    for name in column.parents:
        rows = np.where(rows >= 0, up.parents[name].rows[np.maximum(rows, 0)], NO_ROW)
        up = up.parents[name].table
    found = up.columns[column.name]
    values = found.values[np.maximum(rows, 0)]
    if found.texts is not None:
        return np.array([*found.texts.texts], object)[values]
    known = rows >= 0 if found.known is None else (rows >= 0) & found.known[np.maximum(rows, 0)]
    return np.where(known, values, NO_ROW)


def _common(above: NDArray[Any], own: NDArray[Any]) -> tuple[Rows, Rows]:
    """Codes that are equal where the values are."""
    _, codes = np.unique(np.concatenate([above, own]), return_inverse=True)
    return codes[: len(above)].astype(np.int64), codes[len(above) :].astype(np.int64)


def _keys(columns: Sequence[Rows], pairs: Sequence[tuple[Rows, Rows]]) -> Rows:
    keys = np.zeros(len(columns[0]), np.int64)
    for one, pair in zip(columns, pairs, strict=True):
        most = max(int(pair[0].max(initial=0)), int(pair[1].max(initial=0))) + 1
        keys = keys * most + one
    return keys
