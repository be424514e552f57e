"""What the scenarios of records ask of a field, where the records of an entity have several."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.generation.cell import Cell, Mask, Values
from services.testdata.records.generation.schedule import Turn, choices, static_bounds
from shared.model.packs.values import ORDERED

if TYPE_CHECKING:
    from services.testdata.records.generation.plan import Plan


@dataclass(frozen=True, eq=False)
class Limits:
    """What each row may have. low, high: its bounds. allowed: which choices, and then null; None without choices."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    nullable: Mask
    allowed: Mask | None

    def outside(self, found: Values, codes: NDArray[np.int64] | None) -> Mask:
        """Which rows have something else. codes: what they have chosen, where there are choices."""
        known = np.ones(len(self.low), np.bool_) if found.known is None else found.known
        bad: Mask = ~known & ~self.nullable
        if self.allowed is not None and codes is not None:
            bad |= known & ~self.allowed[np.arange(len(codes)), codes]
        elif found.texts is None:
            bad |= known & ((found.values < self.low) | (found.values > self.high))
        return bad


def limits_of(plan: "Plan", cell: Cell, entity: str, turns: Sequence[Turn]) -> Iterator[tuple[str, Limits]]:
    """The limits of the fields that scenarios narrow, by name."""
    division = plan.divisions.get(entity)
    if division is None:
        return
    count, parts = cell.rows[entity], cell.divided[entity].parts
    for turn in turns:
        of = turn.field
        if turn.reference is not None or not any(of.name in part.fields for part in division.parts):
            continue
        low, high = np.full(count, -np.inf), np.full(count, np.inf)
        nullable = np.full(count, of.nullable)
        allowed = np.ones((count, len(turn.choices) + 1), np.bool_) if turn.choices else None
        for number, part in enumerate(division.parts):
            mine, own = parts == number, part.fields.get(of.name, of)
            if of.type in ORDERED:
                low[mine], high[mine] = static_bounds(own)
            nullable[mine] = own.nullable
            if allowed is not None:
                some = choices(own)
                allowed[mine] = [*(one in some for one in turn.choices), own.nullable]
        yield of.name, Limits(low, high, nullable, allowed)
