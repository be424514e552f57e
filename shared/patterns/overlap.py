"""Tells whether a text can match several patterns at once and have a length within bounds."""

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from functools import lru_cache

from shared.patterns.errors import PatternRefused, PatternTooLarge
from shared.patterns.nfa import Nfa

_MOST_WORK = 20_000
"""The most states, moves and pairs of moves that one answer looks at, which takes about 30 ms."""


class Overlap(Enum):
    """Whether a text matches. UNKNOWN: finding out takes too long."""

    SOME = "some"
    NONE = "none"
    UNKNOWN = "unknown"


class Overlaps:
    """Finds out about patterns until `work` is done; afterwards every answer is UNKNOWN."""

    def __init__(self, work: int) -> None:
        self._left = work

    def of(self, patterns: Sequence[str], least: int, most: int | None) -> Overlap:
        """Whether a text of `least` to `most` characters matches all patterns, each as a whole.

        Patterns with flags, word boundaries or classes of Unicode are passed over, as if they matched every text.
        """
        if self._left <= 0:
            return Overlap.UNKNOWN
        found, work = _searched(tuple(patterns), least, most)
        self._left -= work
        return found


@lru_cache(maxsize=1024)
def _searched(patterns: tuple[str, ...], least: int, most: int | None) -> tuple[Overlap, int]:
    """What was found, and with how much work."""
    search = _Search()
    try:
        return search.overlap(patterns, least, most), search.work
    except (_TooMuch, PatternTooLarge):
        return Overlap.UNKNOWN, _MOST_WORK


class _TooMuch(Exception):
    pass


class _Search:
    """Runs the patterns side by side over all texts of one length after the other."""

    def __init__(self) -> None:
        self.work = 0
        self._machines: list[_Machine] = []

    def overlap(self, patterns: Sequence[str], least: int, most: int | None) -> Overlap:
        self._machines = [_Machine(nfa, self._spend) for pattern in patterns if (nfa := self._read(pattern))]
        reached = frozenset([(0,) * len(self._machines)])
        seen: dict[frozenset[tuple[int, ...]], int] = {}
        ends: list[bool] = []  # by length: whether a text of it matches
        while reached and reached not in seen and (most is None or len(ends) <= most):
            seen[reached] = len(ends)
            ends.append(any(map(self._is_end, reached)))
            if ends[-1] and len(ends) > least:
                return Overlap.SOME
            reached = frozenset(after for states in reached for after in self._after(states))
        if reached not in seen:
            return Overlap.NONE
        # From here on the lengths repeat, so it is enough to look at one period from `least` on.
        first, period = seen[reached], len(ends) - seen[reached]
        start = max(least, len(ends))
        stop = start + period if most is None else min(start + period, most + 1)
        found = any(ends[first + (length - first) % period] for length in range(start, stop))
        return Overlap.SOME if found else Overlap.NONE

    def _read(self, pattern: str) -> Nfa | None:
        self._spend(len(pattern))
        try:
            nfa = Nfa(pattern, readable=False)
        except PatternRefused:
            return None
        self._spend(len(nfa.reads))
        return nfa

    def _spend(self, work: int) -> None:
        self.work += work
        if self.work > _MOST_WORK:
            raise _TooMuch

    def _is_end(self, states: tuple[int, ...]) -> bool:
        return all(machine.is_end(state) for machine, state in zip(self._machines, states, strict=True))

    def _after(self, states: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """The states after one more character, whichever it is."""
        moves: list[tuple[int, int, tuple[int, ...]]] = [(0, 0x10FFFF, ())]
        for machine, state in zip(self._machines, states, strict=True):
            of_state = machine.moves(state)
            self._spend(1 + len(moves) * len(of_state))
            moves = [
                (max(low, first), min(high, last), (*to, end))
                for low, high, to in moves
                for first, last, end in of_state
                if first <= high and low <= last
            ]
        return (to for _, _, to in moves)


class _Machine:
    """A pattern without moves that read nothing."""

    def __init__(self, nfa: Nfa, spend: Callable[[int], None]) -> None:
        self._nfa = nfa
        self._spend = spend
        self._known: dict[int, tuple[bool, list[tuple[int, int, int]]]] = {}

    def is_end(self, state: int) -> bool:
        return self._of(state)[0]

    def moves(self, state: int) -> list[tuple[int, int, int]]:
        """The ranges of characters that the state reads, and where each leads."""
        return self._of(state)[1]

    def _of(self, state: int) -> tuple[bool, list[tuple[int, int, int]]]:
        if state not in self._known:
            states = self._nfa.closure([state])
            self._spend(len(states))
            self._known[state] = self._nfa.end in states, [move for one in states for move in self._nfa.reads[one]]
        return self._known[state]
