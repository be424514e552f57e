"""The kernel for sessions: their users, start times and cascades."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.testdata.traces.generation import cascades
from services.testdata.traces.generation.arrays import Lengths, Whole
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.jit import inlined, kernel
from services.testdata.traces.generation.philox import Purpose
from services.testdata.traces.generation.philox_kernels import HALF, LOW, TWENTY, ZERO, draw, philox, pick
from services.testdata.traces.schema import FaultKind

USER_SESSIONS, USER_TYPE = np.uint64(Purpose.USER_SESSIONS), np.uint64(Purpose.USER_TYPE)
SESSION, CASCADE = np.uint64(Purpose.SESSION), np.uint64(Purpose.CASCADE)
NONE, SLOW, TIMEOUT = np.uint8(FaultKind.NONE), np.uint8(FaultKind.SLOW), np.uint8(FaultKind.TIMEOUT)
UNAVAILABLE = np.uint8(FaultKind.UNAVAILABLE)
SLOW_BELOW, TIMEOUT_BELOW = np.uint64(cascades.SLOW_BELOW), np.uint64(cascades.TIMEOUT_BELOW)
UNAVAILABLE_BELOW, RETRY_BELOW = np.uint64(cascades.UNAVAILABLE_BELOW), np.uint64(cascades.RETRY_BELOW)
CHUNK = 1_024
"""Sessions whose words are drawn together."""


class Sessions(NamedTuple):
    """For each session: its user, user type, start time, and the step at which its cascade begins."""

    user: Whole
    user_type: npt.NDArray[np.uint8]
    begin: Whole
    cascade: Lengths


@inlined
def fault(
    key0: np.uint64, key1: np.uint64, low: np.uint64, high: np.uint64, step: np.uint64
) -> tuple[np.uint8, bool, np.uint64]:
    """The effect of a cascade on a step: the kind of fault, whether it is retried, and the slot of its slow factor."""
    happens, slower, again, _ = philox(key0, key1, low, high, step, CASCADE)
    kind = NONE
    if happens < SLOW_BELOW:
        kind = SLOW
    elif happens < TIMEOUT_BELOW:
        kind = TIMEOUT
    elif happens < UNAVAILABLE_BELOW:
        kind = UNAVAILABLE
    slot: np.uint64 = slower >> TWENTY
    return kind, bool(kind >= TIMEOUT and again < RETRY_BELOW), slot


@inlined
def _cascade_start(threshold: np.uint64, has: np.uint64, where: np.uint64, length: np.int64) -> np.int64:
    if has >= threshold or length < 2:
        return length
    least = max(np.int64(1), length // 4)
    most = max(least, 3 * length // 4)
    return least + np.int64((where * np.uint64(most - least + 1)) >> HALF)


@inlined
def _begin(
    arrival: tuple[Whole, Whole, Whole, Whole, int], word: np.uint64, ordinal: np.int64, of: np.int64
) -> np.int64:
    starts, weights, before, guide, shift = arrival
    total = before[-1]
    share = (np.float64(ordinal) + np.float64(word) * 2.0**-32) / np.float64(of)
    position = min(np.int64(share * np.float64(total)), total - 1)
    bucket = guide[position >> shift]
    while before[bucket + 1] <= position:
        bucket += 1
    begin: np.int64 = starts[bucket] + (position - before[bucket]) // weights[bucket]
    return begin


@kernel
def _sessions(key0, key1, threshold, first, lengths, user, skip, counts, kinds, arrival, out):  # type: ignore[no-untyped-def]
    """Fill `out`, starting after the first `skip` sessions of the user; returns the number of steps in cascades."""
    users, user_types, begins, starts = out
    low, high, step = np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64), np.zeros(CHUNK, np.uint64)
    words = np.empty((4, CHUNK), np.uint64)
    steps = i = 0
    user -= 1
    while i < len(lengths):
        block, word = np.uint64(user // 4), user % 4
        if word == 0 or i == 0:
            of_block = philox(key0, key1, block, ZERO, ZERO, USER_SESSIONS)
            type_block = philox(key0, key1, block, ZERO, ZERO, USER_TYPE)
        of = counts[of_block[word] >> TWENTY]
        user_type = pick(kinds[0], kinds[1], 0, type_block[word])
        user += 1
        for ordinal in range(skip, min(of, skip + len(lengths) - i)):
            at = i % CHUNK
            if at == 0:
                for j in range(CHUNK):
                    number = np.uint64(first + i + j)
                    low[j], high[j] = number & LOW, number >> HALF
                draw(key0, key1, low, high, step, SESSION, words)
            users[i], user_types[i] = user, user_type
            begins[i] = _begin(arrival, words[0, at], ordinal, of)
            length = np.int64(lengths[i])
            starts[i] = start = _cascade_start(threshold, words[1, at], words[2, at], length)
            steps += length - start
            i += 1
        skip = max(0, skip - of)
    return steps


def sessions_of(chain: Chain, first: int, lengths: Lengths, first_user: int, skip: int) -> tuple[Sessions, int]:
    """The sessions, starting with `first`, and the number of their calls in cascades. Each may be retried once."""
    n, arrival = len(lengths), chain.arrival
    sessions = Sessions(np.empty(n, np.int64), np.empty(n, np.uint8), np.empty(n, np.int64), np.empty(n, np.int32))
    in_cascades = _sessions(
        *(np.uint64(number) for number in (*chain.key, chain.cascade_threshold)),
        first,
        lengths,
        first_user,
        skip,
        chain.session_counts,
        (chain.types.rows, chain.types.entries),
        (arrival.starts, arrival.weights, arrival.before, arrival.guide, arrival.shift),
        tuple(sessions),
    )
    return sessions, in_cascades
