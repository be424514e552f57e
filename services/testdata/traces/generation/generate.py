"""Any range of sessions of a chain."""

from functools import lru_cache

import numpy as np

from services.testdata.traces.generation import kernels
from services.testdata.traces.generation.arrays import Whole
from services.testdata.traces.generation.calls import Calls
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.decks import SHARD, Decks
from services.testdata.traces.generation.kernels import KernelName, Walked
from services.testdata.traces.generation.users import place

FEWEST = 1_024
"""Of a shard at least so many sessions are dealt; then twice as many, and so on, so that going on costs little."""


def session_count(chain: Chain, kernel: KernelName = "numba") -> int:
    """How many sessions all users have. The first call counts them: a second for a hundred million users."""
    return int(_sessions_before(chain, kernel)[-1])


def generate(chain: Chain, first: int, count: int, kernel: KernelName = "numba") -> Calls:
    """The calls of so many sessions from the first, which are numbered from 1; the same whatever else is generated.

    Takes about 50 bytes of memory a call. Raises ValueError if there are no such sessions.
    """
    before = _sessions_before(chain, kernel)
    if first < 1 or count < 1 or first + count - 1 > before[-1]:
        raise ValueError(f"Sessions {first:,} to {first + count - 1:,} are not within 1 to {before[-1]:,}.")
    codes, lengths = walk(chain, first, count, kernel)
    return kernels.load(kernel).columns(chain, first, codes, lengths, *place(before, first))


def walk(chain: Chain, first: int, count: int, kernel: KernelName = "numba") -> Walked:
    """The bare walk of so many sessions from the first: endpoints one after the other, and how many calls each has."""
    if chain.decks is None:
        return kernels.load(kernel).walk(chain, first, count)
    parts = [
        _dealt(chain, chain.decks, shard, first, count, kernel)
        for shard in range((first - 1) // SHARD, (first + count - 2) // SHARD + 1)
    ]
    return np.concatenate([codes for codes, _ in parts]), np.concatenate([lengths for _, lengths in parts])


def _dealt(chain: Chain, decks: Decks, shard: int, first: int, count: int, kernel: KernelName) -> Walked:
    """Those of the sessions that are in a shard. What is before them in the shard has to be dealt, too."""
    skip = max(0, first - 1 - shard * SHARD)
    stop = min(SHARD, first - 1 + count - shard * SHARD)
    codes, lengths = _deal(chain, decks, shard, max(FEWEST, 1 << (stop - 1).bit_length()), kernel)
    begin, size = lengths[:skip].sum(dtype=np.int64), lengths[skip:stop].sum(dtype=np.int64)
    return codes[begin : begin + size], lengths[skip:stop]


@lru_cache(maxsize=2)
def _deal(chain: Chain, decks: Decks, shard: int, sessions: int, kernel: KernelName) -> Walked:
    """The first so many sessions of a shard, kept for whoever goes through it range by range."""
    return kernels.load(kernel).deal(chain, decks, shard, sessions)


@lru_cache(maxsize=8)
def _sessions_before(chain: Chain, kernel: KernelName) -> Whole:
    """How many sessions are before each block of users, and last in all."""
    totals = kernels.load(kernel).block_totals(chain.key, chain.session_counts, chain.parameters.users)
    return np.concatenate([[0], totals.cumsum()])
