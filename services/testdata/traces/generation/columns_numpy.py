"""The columns of walked sessions: the twin of `columns_numba`."""

import numpy as np

from services.testdata.traces.generation import cascades
from services.testdata.traces.generation.alias import pick
from services.testdata.traces.generation.arrays import Codes, Lengths
from services.testdata.traces.generation.arrivals import begin_times
from services.testdata.traces.generation.calls import Calls, FaultKind
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.philox import Purpose, session_words
from services.testdata.traces.generation.users import owners

LOW_20 = np.uint64((1 << 20) - 1)


def columns(chain: Chain, first: int, codes: Codes, lengths: Lengths, first_user: int, skip: int) -> Calls:
    """All columns of the sessions from the first, with their retries."""
    tables = chain.calls
    owned = owners(chain.key, chain.session_counts, chain.types, first_user, skip, len(lengths))
    index = np.arange(len(lengths)).repeat(lengths)
    begins = lengths.cumsum(dtype=np.int64) - lengths
    step = np.arange(len(codes)) - begins[index]
    session = first + index
    status_word, time_word, params_word, _ = session_words(chain.key, session, step, Purpose.CALL)
    status = pick(tables.statuses, codes, status_word).astype(np.int16)
    latency = tables.latency_means[codes] * tables.latency_factors[time_word >> np.uint64(20)]
    span = tables.think_span[codes].astype(np.uint64)
    think = tables.think_least[codes] + ((time_word & LOW_20) * span >> np.uint64(20)).astype(np.int64)
    head = tables.params.heads[codes]
    params = tables.params.codes[
        (head >> np.uint64(32)) + ((params_word * (head & np.uint64(0xFFFFFFFF))) >> np.uint64(32))
    ]

    arrival, has, where, _ = session_words(chain.key, first + np.arange(len(lengths)), 0, Purpose.SESSION)
    starts = cascades.cascade_starts(chain.cascade_threshold, has, where, lengths)
    hit = np.flatnonzero(step >= starts[index])
    kind = np.zeros(len(codes), np.uint8)
    kind_word, slow_word, retry_word, _ = session_words(chain.key, session[hit], step[hit], Purpose.CASCADE)
    kind[hit] = cascades.kinds(kind_word)
    slow = hit[kind[hit] == FaultKind.SLOW]
    latency[slow] *= tables.slow_factors[(slow_word >> np.uint64(20))[kind[hit] == FaultKind.SLOW]]
    latency[kind == FaultKind.TIMEOUT] = cascades.TIMEOUT_MS
    status[kind == FaultKind.TIMEOUT] = 504
    status[kind == FaultKind.UNAVAILABLE] = 503
    times = np.ones(len(codes), np.int64)
    times[hit] += (kind[hit] >= FaultKind.TIMEOUT) & (retry_word < np.uint64(cascades.RETRY_BELOW))

    row = np.arange(len(codes)).repeat(times)
    is_retry = np.zeros(len(row), bool)
    is_retry[1:] = row[1:] == row[:-1]
    ends = times.cumsum()
    took = np.ceil(latency).astype(np.int64)[row]
    took[ends - 1] += think
    elapsed = took.cumsum() - took
    first_row = np.concatenate([[0], ends])[begins]
    begin = begin_times(chain.arrival, arrival, owned.ordinal, owned.of)
    of_row = index[row]
    fault_kind = kind[row]
    fault_kind[is_retry] = FaultKind.RETRY
    return Calls(
        timestamp=(begin - elapsed[first_row])[of_row] + elapsed,
        user=owned.user[of_row],
        user_type=owned.user_type[of_row],
        session=session[row],
        endpoint=codes[row],
        status=status[row],
        latency=latency[row],
        params=params[row],
        fault_id=np.where(fault_kind != FaultKind.NONE, session[row], 0),
        fault_kind=fault_kind,
    )
