"""The kernel that fills the columns of sessions after the walk."""

import math

import numpy as np

from services.testdata.traces.generation import cascades
from services.testdata.traces.generation.arrays import Codes, Lengths
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.generation.philox import Purpose
from services.testdata.traces.generation.philox_kernels import HALF, LOW, LOW_20, TWENTY, draw, pick
from services.testdata.traces.generation.sessions import NONE, SLOW, TIMEOUT, UNAVAILABLE, fault, sessions_of
from services.testdata.traces.schema import Calls, FaultKind, empty_calls

CALL = np.uint64(Purpose.CALL)
RETRY = np.uint8(FaultKind.RETRY)
GATEWAY_TIMEOUT, SERVICE_UNAVAILABLE = np.int16(504), np.int16(503)
TIMEOUT_MS = np.float32(cascades.TIMEOUT_MS)
ONE = np.uint64(1)
CHUNK = 2_048
"""Calls per round of the kernel, so that they fit into the cache; at least MAX_CALLS."""


@kernel
def _look_up(codes, words, tables, status, latency, think, params):  # type: ignore[no-untyped-def]
    """Look up status, latency, think time and parameters from random words."""
    means, factors, think_least, think_span, status_heads, status_entries, param_heads, param_codes = tables
    word0, word1, word2 = words[0], words[1], words[2]
    for i in range(len(codes)):
        code = codes[i]
        status[i] = pick(status_heads, status_entries, code, word0[i])
        latency[i] = means[code] * factors[word1[i] >> TWENTY]
        think[i] = think_least[code] + np.int64(((word1[i] & LOW_20) * np.uint64(think_span[code])) >> TWENTY)
        head = param_heads[code]
        params[i] = param_codes[(head >> HALF) + ((word2[i] * (head & LOW)) >> HALF)]


@kernel
def _fill(key0, key1, first, codes, lengths, sessions, tables, slow_factors, out):  # type: ignore[no-untyped-def]
    """Write all calls with their retries, session by session; returns the number of rows."""
    users, user_types, begins, cascade_starts = sessions
    timestamp, user, user_type, session, endpoint, status, latency, params, fault_id, fault_kind = out
    low, high, step_ = np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64)
    words = np.empty((4, CHUNK), np.uint64)
    statuses, latencies = np.empty(CHUNK, np.int16), np.empty(CHUNK, np.float32)
    thinks, queries = np.empty(CHUNK, np.int64), np.empty(CHUNK, np.uint16)
    at = stop = 0
    # Use an unsigned index, so that Numba does not check for negative indices in ten arrays.
    row = np.uint64(0)
    while stop < len(lengths):
        start, calls = stop, 0
        while stop < len(lengths) and calls + lengths[stop] <= CHUNK:
            number = np.uint64(first + stop)
            for step in range(lengths[stop]):
                low[calls], high[calls], step_[calls] = number & LOW, number >> HALF, step
                calls += 1
            stop += 1
        draw(key0, key1, low[:calls], high[:calls], step_[:calls], CALL, words)
        chunk = codes[at : at + calls]
        _look_up(chunk, words, tables, statuses, latencies, thinks, queries)
        at += calls
        call = np.uint64(0)
        for i in range(start, stop):
            now, number_, user_, type_ = begins[i], first + i, users[i], user_types[i]
            for _ in range(cascade_starts[i]):
                timestamp[row], session[row] = now, number_
                user[row], user_type[row] = user_, type_
                endpoint[row], params[row] = chunk[call], queries[call]
                status[row], latency[row] = statuses[call], latencies[call]
                fault_id[row], fault_kind[row] = 0, NONE
                now += np.int64(math.ceil(latencies[call])) + thinks[call]
                row += ONE
                call += ONE
            for _ in range(cascade_starts[i], lengths[i]):
                kind, retried, slot = fault(key0, key1, low[call], high[call], step_[call])
                answer, took = statuses[call], latencies[call]
                if kind == SLOW:
                    took = took * slow_factors[slot]
                elif kind == TIMEOUT:
                    answer, took = GATEWAY_TIMEOUT, TIMEOUT_MS
                elif kind == UNAVAILABLE:
                    answer = SERVICE_UNAVAILABLE
                for copy in range(1 + retried):
                    timestamp[row], session[row] = now, number_
                    user[row], user_type[row] = user_, type_
                    endpoint[row], params[row] = chunk[call], queries[call]
                    status[row], latency[row] = answer, took
                    fault_id[row] = number_ if kind != NONE else 0
                    fault_kind[row] = RETRY if copy else kind
                    now += np.int64(math.ceil(took))
                    row += ONE
                now += thinks[call]
                call += ONE
    return row


def columns(chain: Chain, first: int, codes: Codes, lengths: Lengths, first_user: int, skip: int) -> Calls:
    """All columns of the sessions, starting with session `first`, with retries. first_user, skip: see `first_user`."""
    sessions, in_cascades = sessions_of(chain, first, lengths, first_user, skip)
    calls = empty_calls(len(codes) + in_cascades)
    tables = chain.calls
    looked_up = (
        tables.latency_means,
        tables.latency_factors,
        tables.think_least,
        tables.think_span,
        tables.statuses.rows,
        tables.statuses.entries,
        tables.params.heads,
        tables.params.codes,
    )
    key0, key1 = (np.uint64(number) for number in chain.key)
    rows = _fill(key0, key1, first, codes, lengths, tuple(sessions), looked_up, tables.slow_factors, calls.arrays)
    return calls.part(0, rows)
