"""Counting what follows what. Endpoints are numbers from 0 to k - 1; the k-th stands for outside: entries and exits.

Calls come in sessions that lie next to each other: session i is endpoint[starts[i]:starts[i + 1]]. The kernels have
NumPy twins that count the same, for wherever Numba is not wanted; both are exact.
"""

import numba
import numpy as np
import numpy.typing as npt

Endpoints = npt.NDArray[np.uint16]
Counts = npt.NDArray[np.int64]

DENSE = 1 << 22
"""Cells up to which successions of three are counted in a table; more are sorted instead."""
BLOCK = 1 << 22
"""Successions that are sorted at once."""


def count_edges(endpoint: Endpoints, starts: Counts, k: int) -> Counts:
    """How often each endpoint follows each, as (k + 1)²: row k counts the entries, column k the exits."""
    counts = np.zeros((k + 1) * (k + 1), np.int64)
    _count_edges(endpoint, starts, k, counts)
    return counts.reshape(k + 1, k + 1)


def count_edges_numpy(endpoint: Endpoints, starts: Counts, k: int) -> Counts:
    """The twin of count_edges."""
    before, after = _neighbours(endpoint, starts, k)
    edges = before.astype(np.int64) * (k + 1) + endpoint
    exits = endpoint[after == k].astype(np.int64) * (k + 1) + k
    size = (k + 1) * (k + 1)
    counts: Counts = (np.bincount(edges, minlength=size) + np.bincount(exits, minlength=size)).astype(np.int64)
    return counts.reshape(k + 1, k + 1)


def count_triples(endpoint: Endpoints, starts: Counts, k: int) -> tuple[Counts, Counts]:
    """Successions of three that were seen, ascending, and how often.

    A succession a, b, c is (a (k + 1) + b) (k + 1) + c; a is k where b is an entry, c is k where b is an exit: one for
    each call, which is b.
    """
    size = (k + 1) ** 3
    if size > DENSE:
        return count_triples_numpy(endpoint, starts, k)
    table = np.zeros(size, np.int64)
    _count_triples(endpoint, starts, k, table)
    seen = np.flatnonzero(table)
    return seen, table[seen]


def count_triples_numpy(endpoint: Endpoints, starts: Counts, k: int) -> tuple[Counts, Counts]:
    """The twin of count_triples: sorts blocks of BLOCK successions, so that memory is bounded by those that differ."""
    before, after = _neighbours(endpoint, starts, k)
    codes, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for first in range(0, len(endpoint), BLOCK):
        part = slice(first, first + BLOCK)
        packed = (before[part].astype(np.int64) * (k + 1) + endpoint[part]) * (k + 1) + after[part]
        new, times = np.unique(packed, return_counts=True)
        codes, place = np.unique(np.concatenate([codes, new]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([counts, times]), minlength=len(codes)).astype(np.int64)
    return codes, counts


def _neighbours(endpoint: Endpoints, starts: Counts, k: int) -> tuple[Endpoints, Endpoints]:
    """What came before and after each call in its session; k for nothing."""
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
        for place in range(starts[session], starts[session + 1]):
            following = np.int64(endpoint[place])
            counts[row + following] += 1
            row = following * width
        counts[row + k] += 1


@numba.njit(cache=True, nogil=True)
def _count_triples(endpoint: Endpoints, starts: Counts, k: int, counts: Counts) -> None:
    width = k + 1
    for session in range(len(starts) - 1):
        first, end = starts[session], starts[session + 1]
        before, here = np.int64(k), np.int64(endpoint[first])
        for place in range(first + 1, end):
            after = np.int64(endpoint[place])
            counts[(before * width + here) * width + after] += 1
            before, here = here, after
        counts[(before * width + here) * width + k] += 1
