"""The columns of walked sessions as a kernel."""

import math

import numpy as np

from services.testdata.traces.generation import cascades
from services.testdata.traces.generation.arrays import Codes, Lengths, Whole
from services.testdata.traces.generation.calls import Calls, FaultKind
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.jit import inlined, kernel
from services.testdata.traces.generation.philox import Purpose
from services.testdata.traces.generation.philox_numba import HALF, LOW, philox, pick
from services.testdata.traces.generation.users import Owners

CALL, SESSION, CASCADE = np.uint64(Purpose.CALL), np.uint64(Purpose.SESSION), np.uint64(Purpose.CASCADE)
NONE, SLOW, TIMEOUT = np.uint8(FaultKind.NONE), np.uint8(FaultKind.SLOW), np.uint8(FaultKind.TIMEOUT)
UNAVAILABLE, RETRY = np.uint8(FaultKind.UNAVAILABLE), np.uint8(FaultKind.RETRY)
SLOW_BELOW, TIMEOUT_BELOW = np.uint64(cascades.SLOW_BELOW), np.uint64(cascades.TIMEOUT_BELOW)
UNAVAILABLE_BELOW, RETRY_BELOW = np.uint64(cascades.UNAVAILABLE_BELOW), np.uint64(cascades.RETRY_BELOW)
TIMEOUT_MS = np.float32(cascades.TIMEOUT_MS)
TWENTY, LOW_20 = np.uint64(20), np.uint64((1 << 20) - 1)


@inlined
def _cascade_start(threshold: np.uint64, has: np.uint64, where: np.uint64, length: np.int64) -> np.int64:
    if has >= threshold or length < 2:
        return length
    least = max(np.int64(1), length // 4)
    most = max(least, 3 * length // 4)
    start = least + np.int64((where * np.uint64(most - least + 1)) >> HALF)
    return min(start, length - 1)


@inlined
def _kind(word: np.uint64) -> np.uint8:
    if word < SLOW_BELOW:
        return SLOW
    if word < TIMEOUT_BELOW:
        return TIMEOUT
    if word < UNAVAILABLE_BELOW:
        return UNAVAILABLE
    return NONE


@inlined
def _begin(
    starts: Whole,
    weights: Whole,
    before: Whole,
    guide: Whole,
    shift: int,
    word: np.uint64,
    ordinal: np.int64,
    of: np.int64,
) -> np.int64:
    total = before[-1]
    share = (np.float64(ordinal) + np.float64(word) * 2.0**-32) / np.float64(of)
    position = min(np.int64(share * np.float64(total)), total - 1)
    bucket = guide[position >> shift]
    while before[bucket + 1] <= position:
        bucket += 1
    begin: np.int64 = starts[bucket] + (position - before[bucket]) // weights[bucket]
    return begin


@kernel
def _retries(key0: np.uint64, key1: np.uint64, threshold: np.uint64, first: int, lengths: Lengths) -> int:
    """How many retries so many sessions have from the first on."""
    retries = 0
    for i in range(len(lengths)):
        session = np.uint64(first + i)
        low, high = session & LOW, session >> HALF
        facts = philox(key0, key1, low, high, np.uint64(0), SESSION)
        length = np.int64(lengths[i])
        for step in range(_cascade_start(threshold, facts[1], facts[2], length), length):
            words = philox(key0, key1, low, high, np.uint64(step), CASCADE)
            kind = _kind(words[0])
            if kind >= TIMEOUT and words[2] < RETRY_BELOW:
                retries += 1
    return retries


@kernel
def _fill(key0, key1, threshold, first, codes, lengths, owners, tables, arrival, out):  # type: ignore[no-untyped-def]
    owner_user, owner_ordinal, owner_of, owner_type = owners
    means, factors, slow_factors, think_least, think_span, status_heads, status_entries, param_heads, param_codes = (
        tables
    )
    starts, weights, before, guide, shift = arrival
    timestamp, user, user_type, session_, endpoint, status_, latency_, params_, fault_id, fault_kind = out
    row = at = 0
    for i in range(len(lengths)):
        number = first + i
        session = np.uint64(number)
        low, high = session & LOW, session >> HALF
        facts = philox(key0, key1, low, high, np.uint64(0), SESSION)
        length = np.int64(lengths[i])
        cascade = _cascade_start(threshold, facts[1], facts[2], length)
        now = _begin(starts, weights, before, guide, shift, facts[0], owner_ordinal[i], owner_of[i])
        for step in range(length):
            code = codes[at]
            at += 1
            words = philox(key0, key1, low, high, np.uint64(step), CALL)
            status = pick(status_heads, status_entries, code, words[0])
            latency = means[code] * factors[words[1] >> TWENTY]
            span = np.uint64(think_span[code])
            think = think_least[code] + np.int64(((words[1] & LOW_20) * span) >> TWENTY)
            head = param_heads[code]
            params = param_codes[(head >> HALF) + ((words[2] * (head & LOW)) >> HALF)]
            kind = NONE
            copies = 1
            if step >= cascade:
                fault = philox(key0, key1, low, high, np.uint64(step), CASCADE)
                kind = _kind(fault[0])
                if kind == SLOW:
                    latency = latency * slow_factors[fault[1] >> TWENTY]
                elif kind == TIMEOUT:
                    latency = TIMEOUT_MS
                    status = np.uint64(504)
                elif kind == UNAVAILABLE:
                    status = np.uint64(503)
                if kind >= TIMEOUT and fault[2] < RETRY_BELOW:
                    copies = 2
            took = np.int64(math.ceil(latency))
            for _ in range(copies):
                timestamp[row] = now
                user[row] = owner_user[i]
                user_type[row] = owner_type[i]
                session_[row] = number
                endpoint[row] = code
                status_[row] = status
                latency_[row] = latency
                params_[row] = params
                fault_id[row] = number if kind != NONE else 0
                fault_kind[row] = kind
                now += took
                row += 1
                kind = RETRY
            now += think


def columns(chain: Chain, first: int, codes: Codes, lengths: Lengths, owners: Owners) -> Calls:
    """All columns of the sessions from the first, with their retries."""
    key0, key1, threshold = (np.uint64(number) for number in (*chain.key, chain.cascade_threshold))
    n = len(codes) + _retries(key0, key1, threshold, first, lengths)
    calls = Calls(
        timestamp=np.empty(n, np.int64),
        user=np.empty(n, np.int64),
        user_type=np.empty(n, np.uint8),
        session=np.empty(n, np.int64),
        endpoint=np.empty(n, np.uint16),
        status=np.empty(n, np.int16),
        latency=np.empty(n, np.float32),
        params=np.empty(n, np.uint16),
        fault_id=np.empty(n, np.int64),
        fault_kind=np.empty(n, np.uint8),
    )
    tables, arrival = chain.calls, chain.arrival
    _fill(
        key0,
        key1,
        threshold,
        first,
        codes,
        lengths,
        (owners.user, owners.ordinal, owners.of, owners.user_type),
        (
            tables.latency_means,
            tables.latency_factors,
            tables.slow_factors,
            tables.think_least,
            tables.think_span,
            tables.statuses.rows,
            tables.statuses.entries,
            tables.params.heads,
            tables.params.codes,
        ),
        (arrival.starts, arrival.weights, arrival.before, arrival.guide, arrival.shift),
        tuple(getattr(calls, name) for name in Calls.__slots__),
    )
    return calls
