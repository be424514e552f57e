"""The services behind calls: each call is a trace, whose spans follow the service graph.

A request to a service calls each service that the graph names with its probability, and so on from there, one after the
other. A call that failed for the server's fault, or that was slow or timed out, has one culprit among its spans: the
culprit and all on the way to it from the root failed or were slow, nobody else. A status below 500 is the caller's own
fault and has no culprit.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.testdata.traces.generation.calls import Calls, FaultKind
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.generation.philox import Purpose
from services.testdata.traces.generation.philox_numba import HALF, LOW, philox
from services.testdata.traces.workflow import ServiceGraph

SPANS = np.uint64(Purpose.SPANS)
SLOW = np.uint8(FaultKind.SLOW)
SERVER_FAULT, TIMED_OUT = 500, 504
BLOCK = np.uint64(16)
"""A counter's third word: the call's place in its session, and above these bits the block of draws."""
SELF_WEIGHT = 128
"""A span's own share of its time, where a span that it calls has 64 to 127."""
CULPRIT_WEIGHT = 2_048
"""The share of what is slow, and of the way to it."""
LAST_MILLISECOND = 9_223_300_000_000
"""In 2262, soon before nanoseconds no longer fit into 63 bits; calls that are later begin then."""


@dataclass(frozen=True, eq=False)
class Services:
    """The graph unfolded: for each service that answers an endpoint the tree of the spans that a request may come to.

    names: of the services, sorted.
    roots: for each endpoint, the first node of its tree; its other nodes follow, callers before those they call.
    sizes: for each endpoint, how many nodes its tree has.
    service: a node's, as a number of names. caller: the node's caller, counted from the root.
    thresholds: a node is called if a 32-bit number is below; by its caller only.
    """

    names: tuple[str, ...]
    roots: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    service: npt.NDArray[np.int64]
    caller: npt.NDArray[np.int64]
    thresholds: npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans of n calls, in the order of the calls; a call's root comes first, and callers before those they call.

    trace_ids: two 64-bit halves for each call.
    call: the place of the span's call. caller: the place of its caller's span, -1 for a root.
    service: a number of Services.names. ids: 64 bits, unique in a trace, never 0.
    start, end: Unix nanoseconds, within the caller's. A root's are those of the call.
    failed: it ended in an error. culprit: it is what made the call fail or slow.
    """

    trace_ids: npt.NDArray[np.uint64]
    call: npt.NDArray[np.int64]
    caller: npt.NDArray[np.int64]
    service: npt.NDArray[np.int64]
    ids: npt.NDArray[np.uint64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    failed: npt.NDArray[np.bool_]
    culprit: npt.NDArray[np.bool_]


def services(chain: Chain) -> Services:
    """Unfold a chain's graph; without one, the workflow itself is the only service."""
    name = chain.workflow.name
    graph = chain.workflow.service_graph or ServiceGraph(dict.fromkeys(chain.endpoints, name))
    names = sorted({*graph.endpoints.values(), *(called for calls in graph.calls.values() for called in calls)})
    nodes: list[tuple[int, int, int]] = []
    roots: dict[str, tuple[int, int]] = {}

    def unfold(service: str, caller: int, share: float, root: int) -> None:
        place = len(nodes) - root
        nodes.append((names.index(service), caller, round(share * 2**32)))
        for called, probability in sorted(graph.calls.get(service, {}).items()):
            unfold(called, place, probability, root)

    for service in sorted(set(graph.endpoints.values())):
        root = len(nodes)
        unfold(service, -1, 1.0, root)
        roots[service] = root, len(nodes) - root
    answering = [roots[graph.endpoints[endpoint]] for endpoint in chain.endpoints]
    return Services(
        names=tuple(names),
        roots=np.array([root for root, _ in answering], np.int64),
        sizes=np.array([size for _, size in answering], np.int64),
        service=np.array([node[0] for node in nodes], np.int64),
        caller=np.array([node[1] for node in nodes], np.int64),
        thresholds=np.array([node[2] for node in nodes], np.uint64),
    )


def spans(chain: Chain, behind: Services, calls: Calls, before: int = 0) -> Spans:
    """The spans of calls, a pure function of the seed and of each call's session and place in it.

    before: how many calls of the first one's session came before it.
    """
    key0, key1 = (np.uint64(word) for word in chain.key)
    places = _places(calls.session, before)
    sizes = behind.sizes[calls.endpoint]
    called = np.empty(int(sizes.sum()), np.bool_)
    count = _call_services(key0, key1, calls.session, places, calls.endpoint, behind.roots, sizes, behind.caller,
                           behind.thresholds, called)  # fmt: skip
    made = Spans(
        trace_ids=np.empty((len(calls), 2), np.uint64),
        call=np.empty(count, np.int64),
        caller=np.empty(count, np.int64),
        service=np.empty(count, np.int64),
        ids=np.empty(count, np.uint64),
        start=np.empty(count, np.int64),
        end=np.empty(count, np.int64),
        failed=np.zeros(count, np.bool_),
        culprit=np.zeros(count, np.bool_),
    )
    columns = (calls.timestamp, calls.session, places, calls.endpoint, calls.status, calls.latency, calls.fault_kind)
    tree = (behind.roots, sizes, behind.service, behind.caller, called)
    _fill(key0, key1, columns, tree, tuple(getattr(made, name) for name in Spans.__slots__))
    return made


def _places(session: npt.NDArray[np.int64], before: int) -> npt.NDArray[np.int64]:
    """Each call's place in its session, from 0."""
    places = np.arange(len(session))
    begins = np.flatnonzero(np.diff(session, prepend=session[:1] - 1))
    lengths = np.diff(begins, append=len(session))
    places -= begins.repeat(lengths)
    places[: lengths[0] if len(lengths) else 0] += before
    return places


@kernel
def _draws(key0, key1, session, place, node):  # type: ignore[no-untyped-def]
    """Two 32-bit numbers for a node of a call: whether it is called, and its weight. Block 0 is the trace's id."""
    number, block = np.uint64(session), np.uint64(1 + node // 2)
    words = philox(key0, key1, number & LOW, number >> HALF, np.uint64(place) | block << BLOCK, SPANS)
    if node % 2 == 0:
        return words[0], words[1]
    return words[2], words[3]


@kernel
def _call_services(key0, key1, session, places, endpoint, roots, sizes, caller, thresholds, called):  # type: ignore[no-untyped-def]
    """Note for each node of each call's tree whether it is called; how many are."""
    at = count = 0
    for call in range(len(session)):
        root = roots[endpoint[call]]
        called[at] = True
        count += 1
        for node in range(1, sizes[call]):
            here = called[at + caller[root + node]]
            threshold = thresholds[root + node]
            if here and threshold <= LOW:
                here = _draws(key0, key1, session[call], places[call], node)[0] < threshold
            called[at + node] = here
            count += here
        at += sizes[call]
    return count


@kernel
def _mixed(number):  # type: ignore[no-untyped-def]
    """Another 64-bit number for each (the finalizer of splitmix64), which keeps ids of a trace apart; never 0."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    number = number ^ (number >> np.uint64(31))
    return number if number != 0 else np.uint64(1)


@kernel
def _put_times(size, root, at, called, caller_of, span_at, weights, own, start, end):  # type: ignore[no-untyped-def]
    """Give each span of a call its part of its caller's time, one after the other with equal gaps."""
    asked, gaps = np.zeros(size, np.int64), np.ones(size, np.int64)
    free, unit = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for node in range(1, size):
        if called[at + node]:
            asked[caller_of[root + node]] += weights[node]
            gaps[caller_of[root + node]] += 1
    for node in range(size):
        if called[at + node]:
            span, caller = span_at[node], caller_of[root + node]
            if node:
                start[span] = free[caller]
                end[span] = start[span] + unit[caller] * weights[node]
                free[caller] = end[span] + gaps[caller]
            took = end[span] - start[span]
            unit[node] = took // (own[node] + asked[node])
            gaps[node] = (took - unit[node] * asked[node]) // gaps[node]
            free[node] = start[span] + gaps[node]


@kernel
def _fill(key0, key1, columns, tree, out):  # type: ignore[no-untyped-def]
    timestamp, session, places, endpoint, status, latency, fault_kind = columns
    roots, sizes, service_of, caller_of, called = tree
    trace_ids, call_, caller_, service_, ids, start, end, failed, culprit = out
    at = first = 0
    for call in range(len(session)):
        root, size, number = roots[endpoint[call]], sizes[call], np.uint64(session[call])
        words = philox(key0, key1, number & LOW, number >> HALF, np.uint64(places[call]), SPANS)
        trace_ids[call, 0], trace_ids[call, 1] = words[0] << HALF | words[1], words[2] << HALF | words[3]
        span_at, weights = np.zeros(size, np.int64), np.zeros(size, np.int64)
        own = np.full(size, SELF_WEIGHT)
        span = first
        for node in range(size):
            if called[at + node]:
                span_at[node] = span
                weights[node] = 64 + np.int64(_draws(key0, key1, session[call], places[call], node)[1] >> np.uint64(26))
                call_[span], service_[span] = call, service_of[root + node]
                ids[span] = _mixed(trace_ids[call, 1] + np.uint64(node))
                caller_[span] = span_at[caller_of[root + node]] if node else -1
                span += 1
        fails = status[call] >= SERVER_FAULT
        drags = fault_kind[call] == SLOW or status[call] == TIMED_OUT
        if fails or drags:
            word = _draws(key0, key1, session[call], places[call], 0)[0]
            blamed = first + np.int64((word * np.uint64(span - first)) >> HALF)
            culprit[blamed] = True
            node = 0
            while not (called[at + node] and span_at[node] == blamed):
                node += 1
            if drags:
                own[node] = CULPRIT_WEIGHT
            while node >= 0:
                failed[span_at[node]] = fails
                if drags:
                    weights[node] = CULPRIT_WEIGHT
                node = caller_of[root + node]
        start[first] = min(timestamp[call], LAST_MILLISECOND) * 1_000_000
        end[first] = start[first] + np.int64(np.float64(latency[call]) * 1e6 + 0.5)
        _put_times(size, root, at, called, caller_of, span_at, weights, own, start, end)
        first = span
        at += size
