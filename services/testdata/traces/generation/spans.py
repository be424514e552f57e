"""The services behind calls: each call is a trace, whose spans follow the service graph.

A request to a service calls each service of its row in the graph with the given probability, one after the other. A
call with a status of 500 or above, or a slow one, has one culprit among its spans. The culprit and its callers failed
or were slow, and no other span. A status below 500 is the client's fault and has no culprit.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.jit import kernel
from services.testdata.traces.generation.philox import Purpose
from services.testdata.traces.generation.philox_kernels import HALF, LOW, philox
from services.testdata.traces.schema import Calls, FaultKind
from services.testdata.traces.workflow import ServiceGraph

SPANS = np.uint64(Purpose.SPANS)
SLOW = np.uint8(FaultKind.SLOW)
SERVER_FAULT, TIMED_OUT = 500, 504
BLOCK = np.uint64(16)
"""The third word of a counter: the index of the call in its session, and above these bits the block of draws."""
SELF_WEIGHT = 128
"""The weight of a span's own time; a called span weighs 64 to 127."""
CULPRIT_WEIGHT = 2_048
"""The weight of a slow culprit and its callers."""
LAST_MILLISECOND = 9_223_300_000_000
"""In 2262, before nanoseconds overflow 63 bits. Later calls begin at this time."""


@dataclass(frozen=True, eq=False)
class Services:
    """The graph, unfolded to a tree of possible spans for each endpoint.

    names: of the services, sorted.
    roots: for each endpoint, the first node of its tree. Its other nodes follow, callers before callees.
    sizes: for each endpoint, the number of nodes of its tree.
    service: for each node, an index into names. caller: for each node, its caller, counted from the root.
    thresholds: for each node, its caller calls it if a 32-bit number is below the threshold.
    """

    names: tuple[str, ...]
    roots: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    service: npt.NDArray[np.int64]
    caller: npt.NDArray[np.int64]
    thresholds: npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans of n calls, in the order of the calls. A root comes first, and callers before callees.

    trace_ids: two 64-bit halves for each call.
    call: the index of the span's call. caller: the index of the calling span, -1 for a root.
    service: an index into Services.names. ids: 64 bits, unique in a trace, never 0.
    start, end: Unix nanoseconds, within the caller's span. A root has the times of its call.
    failed: the span ended in an error. culprit: the span made the call fail or slow.
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
    """Unfold the graph of a chain. Without a graph, the workflow itself is the only service."""
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
    """The spans of calls: a pure function of the seed, the session of each call, and its index in the session.

    before: the number of earlier calls of the first call's session.
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
    columns = (calls.timestamp, calls.session, places, calls.endpoint, calls.status, calls.latency_ms, calls.fault_kind)
    tree = (behind.roots, sizes, behind.service, behind.caller, called)
    _fill(key0, key1, columns, tree, tuple(getattr(made, name) for name in Spans.__slots__))
    return made


def _places(session: npt.NDArray[np.int64], before: int) -> npt.NDArray[np.int64]:
    """The index of each call in its session, from 0."""
    places = np.arange(len(session))
    begins = np.flatnonzero(np.diff(session, prepend=session[:1] - 1))
    lengths = np.diff(begins, append=len(session))
    places -= begins.repeat(lengths)
    places[: lengths[0] if len(lengths) else 0] += before
    return places


@kernel
def _draws(key0, key1, session, place, node):  # type: ignore[no-untyped-def]
    """Two 32-bit numbers for a node: one decides whether it is called, one its weight. Block 0 is the trace id."""
    number, block = np.uint64(session), np.uint64(1 + node // 2)
    words = philox(key0, key1, number & LOW, number >> HALF, np.uint64(place) | block << BLOCK, SPANS)
    if node % 2 == 0:
        return words[0], words[1]
    return words[2], words[3]


@kernel
def _call_services(key0, key1, session, places, endpoint, roots, sizes, caller, thresholds, called):  # type: ignore[no-untyped-def]
    """Set `called` for each node of each call's tree; returns the number of called nodes."""
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
    """A bijection of 64-bit numbers (the finalizer of splitmix64), so that ids in a trace differ; never 0."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    number = number ^ (number >> np.uint64(31))
    return number if number != 0 else np.uint64(1)


@kernel
def _put_times(size, root, at, called, caller_of, span_at, weights, own, start, end):  # type: ignore[no-untyped-def]
    """Divide the time of each span among the spans that it calls: in sequence, with equal gaps."""
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
