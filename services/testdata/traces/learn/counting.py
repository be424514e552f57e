"""Count which endpoint follows which. Endpoints are numbers from 0 to k - 1; k stands for outside: entries and exits.

Sessions are contiguous: session i is endpoint[starts[i]:starts[i + 1]].
"""

import numba
import numpy as np
import numpy.typing as npt

Endpoints = npt.NDArray[np.uint16]
Counts = npt.NDArray[np.int64]

DENSE = 1 << 22
"""Count triples in a table of up to this many cells; sort them if there are more."""
BLOCK = 1 << 22
"""Triples that are sorted together."""


def compile_kernels() -> None:
    """Compile the kernels unless they are, or get them from the cache."""
    session = np.zeros(1, np.uint16), np.array([0, 1], np.int64), 1
    count_edges(*session)
    count_triples(*session)


def count_edges(endpoint: Endpoints, starts: Counts, k: int) -> Counts:
    """A (k + 1)² matrix: how often each endpoint follows each. Row k counts the entries, column k the exits."""
    counts = np.zeros((k + 1) * (k + 1), np.int64)
    _count_edges(endpoint, starts, k, counts)
    return counts.reshape(k + 1, k + 1)


def count_triples(endpoint: Endpoints, starts: Counts, k: int) -> tuple[Counts, Counts]:
    """The codes of all triples that were seen, ascending, and their counts.

    The code of a, b, c is (a (k + 1) + b) (k + 1) + c. Each call is the b of one triple; a is k if b is an entry, c is
    k if b is an exit.
    """
    size = (k + 1) ** 3
    if size > DENSE:
        return _count_triples_sorted(endpoint, starts, k)
    table = np.zeros(size, np.int64)
    _count_triples(endpoint, starts, k, table)
    seen = np.flatnonzero(table)
    return seen, table[seen]


def _count_triples_sorted(endpoint: Endpoints, starts: Counts, k: int) -> tuple[Counts, Counts]:
    """Sort BLOCK triples at a time. Memory grows with the number of different triples only."""
    before, after = _neighbours(endpoint, starts, k)
    codes, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for first in range(0, len(endpoint), BLOCK):
        part = slice(first, first + BLOCK)
        packed = (before[part].astype(np.int64) * (k + 1) + endpoint[part]) * (k + 1) + after[part]
        new, times = np.unique(packed, return_counts=True)
        codes, index = np.unique(np.concatenate([codes, new]), return_inverse=True)
        counts = np.bincount(index, np.concatenate([counts, times]), minlength=len(codes)).astype(np.int64)
    return codes, counts


def _neighbours(endpoint: Endpoints, starts: Counts, k: int) -> tuple[Endpoints, Endpoints]:
    """The endpoints before and after each call in its session; k for none."""
    before, after = np.empty_like(endpoint), np.empty_like(endpoint)
    before[1:], after[:-1] = endpoint[:-1], endpoint[1:]
    before[starts[:-1]] = k
    after[starts[1:] - 1] = k
    return before, after


@numba.njit(cache=True, nogil=True)
def _count_edges(endpoint: Endpoints, starts: Counts, k: int, counts: Counts) -> None:
    width = k + 1
    for session in range(len(starts) - 1):
        row = np.int64(k) * width
        for call in range(starts[session], starts[session + 1]):
            following = np.int64(endpoint[call])
            counts[row + following] += 1
            row = following * width
        counts[row + k] += 1


@numba.njit(cache=True, nogil=True)
def _count_triples(endpoint: Endpoints, starts: Counts, k: int, counts: Counts) -> None:
    width = k + 1
    for session in range(len(starts) - 1):
        first, end = starts[session], starts[session + 1]
        before, here = np.int64(k), np.int64(endpoint[first])
        for call in range(first + 1, end):
            after = np.int64(endpoint[call])
            counts[(before * width + here) * width + after] += 1
            before, here = here, after
        counts[(before * width + here) * width + k] += 1
