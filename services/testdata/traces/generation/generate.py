"""Any range of sessions of a chain."""

from functools import lru_cache
from types import ModuleType

import numpy as np

from services.testdata.traces.generation.arrays import Codes, Lengths, Whole
from services.testdata.traces.generation.chain import USER_BLOCK, Chain
from services.testdata.traces.generation.decks import SHARD, Decks
from services.testdata.traces.schema import Calls

FEWEST = 1_024
"""Deal at least this many sessions per shard, then double, so that consecutive ranges cost little."""

Walk = tuple[Codes, Lengths]
"""The endpoints of sessions, one session after the other, and the number of calls of each."""


def session_count(chain: Chain) -> int:
    """The number of sessions of all users. The first call counts them: one second for a hundred million users."""
    return int(_sessions_before(chain)[-1])


def generate(chain: Chain, first: int, count: int) -> Calls:
    """The calls of `count` sessions, starting with session `first` (from 1). The range does not change a call.

    Takes about 50 bytes of memory per call. Raises ValueError if there are no such sessions.
    """
    before = _sessions_before(chain)
    if first < 1 or count < 1 or first + count - 1 > before[-1]:
        raise ValueError(f"Sessions {first:,} to {first + count - 1:,} are not within 1 to {before[-1]:,}.")
    codes, lengths = walk(chain, first, count)
    calls: Calls = _kernels().columns(chain, first, codes, lengths, *first_user(before, first))
    return calls


def walk(chain: Chain, first: int, count: int) -> Walk:
    """Only the endpoints and lengths of `count` sessions, starting with session `first`."""
    if chain.decks is None:
        walked: Walk = _kernels().walk(chain, first, count)
        return walked
    parts = [
        _dealt(chain, chain.decks, shard, first, count)
        for shard in range((first - 1) // SHARD, (first + count - 2) // SHARD + 1)
    ]
    return np.concatenate([codes for codes, _ in parts]), np.concatenate([lengths for _, lengths in parts])


def first_user(before: Whole, session: int) -> tuple[int, int]:
    """The first user of the block of users that owns a session, and how many sessions of the block come before it.

    before: the number of sessions before each block.
    """
    block = int(before.searchsorted(session - 1, "right")) - 1
    return block * USER_BLOCK + 1, session - 1 - int(before[block])


def _dealt(chain: Chain, decks: Decks, shard: int, first: int, count: int) -> Walk:
    """The sessions of the range that lie in a shard. The shard's earlier sessions must be dealt too."""
    skip = max(0, first - 1 - shard * SHARD)
    stop = min(SHARD, first - 1 + count - shard * SHARD)
    codes, lengths = _deal(chain, decks, shard, max(FEWEST, 1 << (stop - 1).bit_length()))
    begin, size = lengths[:skip].sum(dtype=np.int64), lengths[skip:stop].sum(dtype=np.int64)
    return codes[begin : begin + size], lengths[skip:stop]


@lru_cache(maxsize=2)
def _deal(chain: Chain, decks: Decks, shard: int, sessions: int) -> Walk:
    """The first sessions of a shard, cached for callers that read it range by range."""
    dealt: Walk = _kernels().deal(chain, decks, shard, sessions)
    return dealt


@lru_cache(maxsize=8)
def _sessions_before(chain: Chain) -> Whole:
    """The number of sessions before each block of users; the last entry is the number of all sessions."""
    totals = _kernels().block_totals(chain.key, chain.session_counts, chain.parameters.users)
    return np.concatenate([[0], totals.cumsum()])


def _kernels() -> ModuleType:
    from services.testdata.traces.generation import kernels

    return kernels
