"""Texts that match a pattern and have a length within bounds, also different ones."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.tables import Rows, Strings, Texts
from services.testdata.records.values.draws import Draws
from services.testdata.traces.generation.jit import inlined, kernel
from services.testdata.traces.generation.philox_kernels import HALF, LOW, philox
from shared.model.packs.model import FieldType
from shared.patterns.automaton import lengths

_EXACT = 1 << 62
"""Numbers of texts are exact below this."""
_MANY = 1 << 40
"""So many different texts are enough for a unique field whose pattern has more than _EXACT."""
_LENGTH, _PLACE, _STRIDE = 1, 2, 3
"""Lanes of draws."""


@dataclass(frozen=True, eq=False)
class _Machine:
    """What the kernel reads.

    firsts: for each state its first move; the last entry is the end. moves: each move's lowest and highest character,
    and the state it leads to. counts: by remaining length and state, the number of texts, at most _EXACT.
    shares: by remaining length and move, the sum of the shares of the state's moves up to this one, where counts are
    not exact. exact: up to this remaining length all counts are.
    """

    firsts: NDArray[np.int64]
    moves: NDArray[np.int64]
    counts: NDArray[np.uint64]
    shares: NDArray[np.float64]
    exact: int


@dataclass(frozen=True, eq=False)
class PatternFiller:
    """Texts of a pattern, of `least` to `most` characters. Raises PatternRefused and others when it is made."""

    type: FieldType
    pattern: str
    least: int = 0
    most: int | None = None
    unique: bool = False

    def __post_init__(self) -> None:
        _plan(self.pattern, self.least, self.most)

    @property
    def space(self) -> int:
        """How many different texts there are, or are used."""
        plan = _plan(self.pattern, self.least, self.most)
        return plan.total if plan.total <= _EXACT else int(plan.capacities[plan.many].min())

    def fill(self, draws: Draws, rows: Rows) -> Texts:
        plan = _plan(self.pattern, self.least, self.most)
        if not self.unique:
            sizes = plan.usable[draws.below(rows, len(plan.usable), _LENGTH)]
            numbers = draws.below(rows, _EXACT, _PLACE).astype(np.uint64)
            scaled = True
        elif plan.total <= _EXACT:
            whole = draws.permuted(rows, plan.total)
            place = np.searchsorted(plan.ends, whole, "right")
            sizes = plan.usable[place]
            numbers = (whole - np.concatenate([[0], plan.ends])[place]).astype(np.uint64)
            scaled = False
        else:
            # A number below `space` tells rows apart in every length; the stride spreads them over all texts of it.
            space = self.space
            place = plan.many[draws.below(rows, len(plan.many), _LENGTH)]
            strides = plan.capacities[place] // space
            within = (draws.units(rows, _STRIDE) * strides).astype(np.int64)
            sizes = plan.usable[place]
            numbers = (draws.permuted(rows, space) * strides + within).astype(np.uint64)
            scaled = False
        return Texts(
            type=self.type,
            strings=_written(plan.machine, draws, rows, sizes, numbers, scaled),
            codes=np.arange(len(rows), dtype=np.int32),
            distinct=True,
        )


@dataclass(frozen=True, eq=False)
class _Plan:
    """usable: the lengths that have texts. total: the number of all texts. ends: the sums of the numbers of texts of
    the usable lengths, if they are exact. capacities: for each usable length, how many texts a number can tell apart.
    many: places in `usable` that have enough for a unique field.
    """

    machine: _Machine
    usable: NDArray[np.int64]
    total: int
    ends: NDArray[np.int64]
    capacities: NDArray[np.int64]
    many: NDArray[np.int64]


@lru_cache(maxsize=256)
def _plan(pattern: str, least: int, most: int | None) -> _Plan:
    found, counts, window = lengths(pattern, least, most)
    usable = [length for length in window if counts[length][0]]
    total = sum(counts[length][0] for length in usable)
    exact = 0
    while exact + 1 < len(counts) and max(counts[exact + 1]) <= _EXACT:
        exact += 1
    capacities = []
    for length in usable:
        states = {0}
        for remaining in range(length, exact, -1):
            states = {to for state in states for _, _, to in found.moves[state] if counts[remaining - 1][to]}
        capacities.append(min(counts[min(length, exact)][state] for state in states))
    enough = min(_MANY, max(capacities))
    many = [place for place, capacity in enumerate(capacities) if capacity >= enough]
    ends = [*accumulate(counts[length][0] for length in usable)] if total <= _EXACT else []
    return _Plan(
        _machine(found.moves, counts, exact),
        np.array(usable, np.int64),
        total,
        np.array(ends, np.int64),
        np.array(capacities, np.int64),
        np.array(many, np.int64),
    )


def _machine(moves: tuple[tuple[tuple[int, int, int], ...], ...], counts: list[list[int]], exact: int) -> _Machine:
    flat = [move for of_state in moves for move in of_state]
    shares = np.zeros((len(counts), max(1, len(flat))), np.float64)
    for remaining in range(exact + 1, len(counts)):
        at = 0
        for state, of_state in enumerate(moves):
            whole, so_far = counts[remaining][state], 0
            for low, high, to in of_state:
                so_far += (high - low + 1) * counts[remaining - 1][to]
                shares[remaining, at] = so_far / whole if whole else 0.0
                at += 1
    return _Machine(
        np.cumsum([0, *map(len, moves)], dtype=np.int64),
        np.array(flat, np.int64).reshape(-1, 3),
        np.array([[min(count, _EXACT) for count in of_length] for of_length in counts], np.uint64),
        shares,
        exact,
    )


def _written(
    machine: _Machine, draws: Draws, rows: Rows, sizes: NDArray[np.int64], numbers: NDArray[np.uint64], scaled: bool
) -> Strings:
    wide = 1 if not len(machine.moves) or machine.moves[:, 1].max() < 128 else 4
    blob, starts = np.empty(int(sizes.sum()) * wide, np.uint8), np.zeros(len(rows) + 1, np.int64)
    arrays = (machine.firsts, machine.moves, machine.counts, machine.shares)
    _write(*draws.key, rows, sizes, numbers, scaled, machine.exact, *arrays, blob, starts)
    return Strings(blob[: starts[-1]], starts)


@inlined
def _scaled(a, b):  # type: ignore[no-untyped-def]
    """a * b / 2**62, rounded down, for numbers up to 2**62."""
    a0, a1, b0, b1 = a & LOW, a >> HALF, b & LOW, b >> HALF
    middle = a1 * b0 + ((a0 * b0) >> HALF)
    other = a0 * b1 + (middle & LOW)
    high = a1 * b1 + (middle >> HALF) + (other >> HALF)
    low = other << HALF | ((a0 * b0) & LOW)
    return high << np.uint64(2) | low >> np.uint64(62)


@inlined
def _put_char(blob, at, char):  # type: ignore[no-untyped-def]
    """Write a character as UTF-8."""
    if char < 0x80:
        blob[at] = char
        at += 1
    elif char < 0x800:
        blob[at], blob[at + 1] = 0xC0 | char >> 6, 0x80 | char & 0x3F
        at += 2
    elif char < 0x10000:
        blob[at], blob[at + 1], blob[at + 2] = 0xE0 | char >> 12, 0x80 | char >> 6 & 0x3F, 0x80 | char & 0x3F
        at += 3
    else:
        blob[at], blob[at + 1] = 0xF0 | char >> 18, 0x80 | char >> 12 & 0x3F
        blob[at + 2], blob[at + 3] = 0x80 | char >> 6 & 0x3F, 0x80 | char & 0x3F
        at += 4
    return at


@kernel
def _write(key0, key1, rows, sizes, numbers, scaled, exact, firsts, moves, counts, shares, blob, starts):  # type: ignore[no-untyped-def]
    """Write the text of each row: choose moves by their shares while counts are not exact, then take the n-th text."""
    at = 0
    for i in range(len(rows)):
        row, state, number = np.uint64(rows[i]), 0, numbers[i]
        remaining = sizes[i]
        step = np.uint64(0)
        w0 = w1 = w2 = w3 = np.uint64(0)
        while remaining > exact:
            if step & np.uint64(1) == np.uint64(0):
                w0, w1, w2, w3 = philox(key0, key1, row & LOW, row >> HALF, step, np.uint64(4))
            share, word = (w0, w1) if step & np.uint64(1) == np.uint64(0) else (w2, w3)
            wanted = np.float64(share) * 2.0**-32
            move = firsts[state]
            while move + 1 < firsts[state + 1] and shares[remaining, move] <= wanted:
                move += 1
            char = moves[move, 0] + np.int64((word * np.uint64(moves[move, 1] - moves[move, 0] + 1)) >> HALF)
            at = _put_char(blob, at, char)
            state = moves[move, 2]
            remaining -= 1
            step += np.uint64(1)
        if scaled:
            number = _scaled(number, counts[remaining, state])
        while remaining > 0:
            remaining -= 1
            for move in range(firsts[state], firsts[state + 1]):
                of_one = counts[remaining, moves[move, 2]]
                of_all = of_one * np.uint64(moves[move, 1] - moves[move, 0] + 1)
                if number < of_all:
                    nth = number // of_one
                    at = _put_char(blob, at, moves[move, 0] + np.int64(nth))
                    number -= nth * of_one
                    state = moves[move, 2]
                    break
                number -= of_all
        starts[i + 1] = at
