"""Whose sessions are whose: user 1 has the first ones, user 2 the next, and so on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.testdata.traces.generation.alias import AliasTable, pick
from services.testdata.traces.generation.arrays import Whole, Words
from services.testdata.traces.generation.philox import Purpose, philox

BLOCK = 4_096
"""Users are counted in blocks of so many; a multiple of four."""


@dataclass(frozen=True, slots=True)
class Owners:
    """For each session of a range: its user, which of the user's it is from 0, of how many, and the user's type."""

    user: Whole
    ordinal: Whole
    of: Whole
    user_type: npt.NDArray[np.uint8]


def session_counts_of(key: tuple[int, int], counts: Whole, first: int, users: int) -> Whole:
    """How many sessions each of so many users has, from the first; counts are the `quantiles.session_counts`."""
    of_user: Whole = counts[user_words(key, first, users, Purpose.USER_SESSIONS) >> np.uint64(20)]
    return of_user


def block_totals(key: tuple[int, int], counts: Whole, users: int) -> Whole:
    """How many sessions each block of users has."""
    return np.array(
        [
            session_counts_of(key, counts, first, min(BLOCK, users + 1 - first)).sum()
            for first in range(1, users + 1, BLOCK)
        ],
        np.int64,
    )


def place(before: Whole, session: int) -> tuple[int, int]:
    """The first user of the block of users that a session belongs to, and how many sessions the block has before it.

    before: how many sessions are before each block.
    """
    block = int(before.searchsorted(session - 1, "right")) - 1
    return block * BLOCK + 1, session - 1 - int(before[block])


def owners(key: tuple[int, int], counts: Whole, types: AliasTable, first_user: int, skip: int, sessions: int) -> Owners:
    """The owners of so many sessions, from the one after `skip` sessions of the first user and those after."""
    of_user = session_counts_of(key, counts, first_user, skip + sessions)
    ends = of_user.cumsum()
    low = int(ends.searchsorted(skip, "right"))
    here = slice(low, int(ends.searchsorted(skip + sessions, "left")) + 1)
    of_user, ends = of_user[here], ends[here]
    begins = ends - of_user
    taken = np.minimum(ends, skip + sessions) - np.maximum(begins, skip)
    words = user_words(key, first_user + low, len(of_user), Purpose.USER_TYPE)
    return Owners(
        user=np.arange(first_user + low, first_user + low + len(of_user)).repeat(taken),
        ordinal=np.arange(skip, skip + sessions) - begins.repeat(taken),
        of=of_user.repeat(taken),
        user_type=pick(types, 0, words).astype(np.uint8).repeat(taken),
    )


def user_words(key: tuple[int, int], first: int, users: int, purpose: Purpose) -> Words:
    """A 32-bit word for each of so many users from the first; user u has word (u - 1) % 4 of block (u - 1) // 4."""
    low = (first - 1) // 4
    blocks = np.arange(low, (first - 1 + users + 3) // 4, dtype=np.uint64)
    words = np.stack(philox(key, blocks, 0, 0, purpose), axis=1).ravel()
    skip = first - 1 - low * 4
    return words[skip : skip + users]
