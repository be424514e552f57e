"""Pairs of results, one of each side."""

from collections.abc import Iterable
from typing import NamedTuple


class Pairs(NamedTuple):
    """How many pairs have which results.

    both: both sides passed. gained: only the new side. lost: only the old side. neither: no side passed.
    """

    both: int = 0
    gained: int = 0
    lost: int = 0
    neither: int = 0

    @property
    def total(self) -> int:
        """How many pairs there are."""
        return sum(self)

    @property
    def new_rate(self) -> float:
        """The success rate of the new side; 0 without pairs."""
        return (self.both + self.gained) / self.total if self.total else 0.0

    @property
    def old_rate(self) -> float:
        """The success rate of the old side; 0 without pairs."""
        return (self.both + self.lost) / self.total if self.total else 0.0

    @property
    def difference(self) -> float:
        """The difference of the rates, new minus old; 0 without pairs."""
        return (self.gained - self.lost) / self.total if self.total else 0.0

    @property
    def discordance(self) -> float:
        """The share of pairs whose sides differ; 0 without pairs."""
        return (self.gained + self.lost) / self.total if self.total else 0.0


def pairs_of(results: Iterable[tuple[bool, bool]]) -> Pairs:
    """The counts of pairs of results (new, old), True where a side passed."""
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for result in results:
        counts[result] += 1
    return Pairs(*counts.values())
