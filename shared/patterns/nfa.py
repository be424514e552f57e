"""Patterns as automata that may be in several states at once."""

from collections.abc import Iterable
from typing import assert_never

from shared.patterns.errors import PatternTooLarge
from shared.patterns.regex import Chars, Concatenation, Either, Node, Repeat, parse

MOST_STATES = 4_000
"""The most states of a pattern."""


class Nfa:
    """The states of a pattern, of which the first is 0, with moves that read a character, and moves that read none.

    Raises PatternRefused, PatternTooLarge.
    """

    def __init__(self, pattern: str, *, readable: bool = True) -> None:
        """readable: only with the printable characters of classes, where they have some."""
        self.reads: list[list[tuple[int, int, int]]] = [[]]
        self._skips: list[list[int]] = [[]]
        self._pattern = pattern
        self.end = self._add(parse(pattern, readable=readable), 0)

    def _state(self) -> int:
        if len(self.reads) >= MOST_STATES:
            raise PatternTooLarge(pattern=self._pattern[:100], most="any number of")
        self.reads.append([])
        self._skips.append([])
        return len(self.reads) - 1

    def _add(self, node: Node, start: int) -> int:
        """Add what a node reads after a state; returns the state in which it ends."""
        match node:
            case Chars(ranges):
                end = self._state()
                self.reads[start] += [(low, high, end) for low, high in ranges]
                return end
            case Concatenation(parts):
                for part in parts:
                    start = self._add(part, start)
                return start
            case Either(options):
                ends = []
                for option in options:
                    begin = self._state()
                    self._skips[start].append(begin)
                    ends.append(self._add(option, begin))
                return self._join(ends)
            case Repeat(part, least, most):
                for _ in range(least):
                    start = self._add(part, start)
                if most is None:
                    again = self._join([start])
                    self._skips[self._add(part, again)].append(again)
                    return self._join([again])
                ends = [start]
                for _ in range(most - least):
                    ends.append(self._add(part, self._join([ends[-1]])))
                return self._join(ends)
            case _:
                assert_never(node)

    def _join(self, ends: list[int]) -> int:
        state = self._state()
        for end in ends:
            self._skips[end].append(state)
        return state

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        """The states, and those that they reach without reading."""
        seen = set(states)
        pending = [*seen]
        while pending:
            for state in self._skips[pending.pop()]:
                if state not in seen:
                    seen.add(state)
                    pending.append(state)
        return frozenset(seen)
