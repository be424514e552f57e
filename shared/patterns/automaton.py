"""Patterns as finite automata that count their texts: the texts of each length, the number of them, and the n-th.

Counting the texts of each length lets a pattern and bounds of the length hold at once, and gives as many different
texts as there are.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from shared.patterns.errors import PatternMatchesNothing, PatternTooLarge
from shared.patterns.nfa import MOST_STATES, Nfa

_MOST_WORK = 4_000_000
"""The most transitions times lengths."""
WINDOW = 12
"""Texts are at most so much longer than the shortest that is allowed."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """A deterministic automaton whose first state is 0.

    moves: for each state the ranges of characters and where each leads. accepting: the states in which a text may end.
    """

    moves: tuple[tuple[tuple[int, int, int], ...], ...]
    accepting: frozenset[int]

    def after(self, states: Iterable[int], texts: Iterable[str]) -> set[int]:
        """The states after any of the texts, from any of the states; -1 if one can no longer match."""
        known = [state for state in states if state >= 0]
        return {self._after(state, text) for text in texts for state in known}

    def includes(self, other: "Automaton") -> bool:
        """True if every text of the other is one of its own."""
        seen, pending = {(0, 0)}, [(0, 0)]
        while pending:
            mine, its = pending.pop()
            if its in other.accepting and mine not in self.accepting:
                return False
            for low, high, to in other.moves[its]:
                # Where characters of the range lead differently, a range of my own begins or has just ended.
                edges = {char for first, last, _ in self.moves[mine] for char in (first, last + 1)} if mine >= 0 else ()
                for char in {low, *(edge for edge in edges if low < edge <= high)}:
                    pair = (self._step(mine, char), to)
                    if pair not in seen:
                        seen.add(pair)
                        pending.append(pair)
        return True

    def _after(self, state: int, text: str) -> int:
        for char in map(ord, text):
            state = self._step(state, char)
        return state

    def _step(self, state: int, char: int) -> int:
        """The state after a character; -1 if it can no longer match."""
        if state < 0:
            return -1
        moves = self.moves[state]
        place = bisect_right(moves, (char, _PAST, 0)) - 1
        return moves[place][2] if place >= 0 and moves[place][1] >= char else -1


_PAST = 1 << 30


@lru_cache(maxsize=256)
def automaton(pattern: str) -> Automaton:
    """Raises PatternRefused, PatternTooLarge."""
    return _determined(Nfa(pattern), pattern)


@lru_cache(maxsize=256)
def lengths(pattern: str, least: int, most: int | None) -> tuple[Automaton, list[list[int]], range]:
    """The automaton; by length and state, how many texts of this length lead from the state to acceptance; and the
    lengths that texts have, of which some may have no text.

    Raises PatternRefused, PatternTooLarge, PatternMatchesNothing.
    """
    machine = automaton(pattern)
    shown = pattern[:100]
    moves = sum(map(len, machine.moves)) + 1
    counts = [[int(state in machine.accepting) for state in range(len(machine.moves))]]
    shortest = -1
    for length in range(_MOST_WORK // moves):
        if length:
            last = counts[-1]
            counts.append(
                [sum((high - low + 1) * last[to] for low, high, to in of_state) for of_state in machine.moves]
            )
        if shortest < 0 and length >= least and counts[-1][0]:
            shortest = length
        if length == most or (shortest >= 0 and length == shortest + WINDOW):
            break
        if not any(counts[-1]) or (shortest < 0 and length > least + len(machine.moves)):
            break
    else:
        raise PatternTooLarge(pattern=shown, most=_MOST_WORK // moves)
    if shortest < 0:
        raise PatternMatchesNothing(least=least, most="any" if most is None else most, pattern=shown)
    return machine, counts, range(shortest, len(counts))


def _determined(nfa: Nfa, pattern: str) -> Automaton:
    """The subset construction."""
    first = nfa.closure([0])
    numbers, pending = {first: 0}, deque([first])
    moves: list[tuple[tuple[int, int, int], ...]] = []
    while pending:
        reads = [read for state in pending.popleft() for read in nfa.reads[state]]
        cuts = sorted({low for low, _, _ in reads} | {high + 1 for _, high, _ in reads})
        of_state: list[tuple[int, int, int]] = []
        for low, after in pairwise(cuts):
            reached = nfa.closure(to for first_, last, to in reads if first_ <= low <= last)
            if not reached:
                continue
            if reached not in numbers:
                if len(numbers) >= MOST_STATES:
                    raise PatternTooLarge(pattern=pattern[:100], most="any number of")
                numbers[reached] = len(numbers)
                pending.append(reached)
            of_state.append((low, after - 1, numbers[reached]))
        moves.append(tuple(of_state))
    return Automaton(tuple(moves), frozenset(number for states, number in numbers.items() if nfa.end in states))
