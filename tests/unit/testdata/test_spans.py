"""The services behind calls: spans and their failures follow the service graph."""

from collections import Counter, defaultdict
from math import sqrt

import numpy as np
import pytest
from opentelemetry.proto.trace.v1 import trace_pb2

from services.testdata.traces.formats.otlp import Otlp
from services.testdata.traces.generation import Calls, Chain, FaultKind, compile_chain, generate, session_count
from services.testdata.traces.generation.spans import Services, Spans, services, spans
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import ServiceGraph, Workflow
from services.testdata.workflows.builtin import built_in
from tests.unit.testdata.decoding import attributes, spans_of

SERVER_KIND = trace_pb2.Span.SpanKind.SPAN_KIND_SERVER
ERROR = trace_pb2.Status.StatusCode.STATUS_CODE_ERROR


@pytest.fixture(scope="module")
def chain() -> Chain:
    workflow = built_in()["workflows/microservices"].workflow
    return compile_chain(workflow, Parameters(users=1_000, cascade_rate=0.5, seed=11))


@pytest.fixture(scope="module")
def calls(chain: Chain) -> Calls:
    return generate(chain, 1, session_count(chain))


@pytest.fixture(scope="module")
def behind(chain: Chain) -> Services:
    return services(chain)


@pytest.fixture(scope="module")
def made(chain: Chain, behind: Services, calls: Calls) -> Spans:
    return spans(chain, behind, calls)


@pytest.fixture(scope="module")
def graph(chain: Chain) -> ServiceGraph:
    assert chain.workflow.service_graph is not None
    return chain.workflow.service_graph


def culprits(made: Spans, calls: Calls) -> np.ndarray:
    """The number of culprits of each call."""
    return np.bincount(made.call[made.culprit], minlength=len(calls))


def test_each_call_is_a_trace_whose_root_is_the_call_itself(
    chain: Chain, behind: Services, calls: Calls, made: Spans, graph: ServiceGraph
) -> None:
    roots = made.caller < 0

    assert made.call[roots].tolist() == list(range(len(calls)))
    assert len({tuple(ids) for ids in made.trace_ids.tolist()}) == len(calls)
    assert (made.start[roots] == calls.timestamp * 1_000_000).all()
    assert np.allclose(made.end[roots] - made.start[roots], calls.latency_ms.astype(np.float64) * 1e6, atol=1)
    answering = [graph.endpoints[chain.endpoints[endpoint]] for endpoint in calls.endpoint]
    assert [behind.names[service] for service in made.service[roots]] == answering


def test_spans_of_a_trace_have_ids_of_their_own(made: Spans) -> None:
    assert len(set(zip(made.call.tolist(), made.ids.tolist(), strict=True))) == len(made.ids)
    assert (made.ids != 0).all()


def test_services_call_those_of_the_graph_as_often_as_it_says(
    behind: Services, made: Spans, graph: ServiceGraph
) -> None:
    asked = Counter(behind.names[service] for service in made.service)
    seen = Counter(
        (behind.names[made.service[caller]], behind.names[service])
        for caller, service in zip(made.caller, made.service, strict=True)
        if caller >= 0
    )
    edges = {(caller, called): share for caller, calls in graph.calls.items() for called, share in calls.items()}

    assert seen.keys() == edges.keys()
    for (caller, called), share in edges.items():
        deviation = sqrt(asked[caller] * share * (1 - share))
        assert abs(seen[caller, called] - asked[caller] * share) <= 5 * deviation, (caller, called)


def test_a_span_lies_within_its_callers_and_follows_those_that_the_caller_called_before(made: Spans) -> None:
    called = made.caller >= 0
    callers = made.caller[called]

    assert (made.end >= made.start).all()
    assert (callers < np.flatnonzero(called)).all()
    assert (made.call[callers] == made.call[called]).all()
    assert (made.start[called] >= made.start[callers]).all()
    assert (made.end[called] <= made.end[callers]).all()
    ended: dict[int, int] = {}
    for span in np.flatnonzero(called).tolist():
        assert made.start[span] >= ended.get(made.caller[span], 0)
        ended[made.caller[span]] = made.end[span]


def test_a_call_that_failed_for_the_servers_fault_has_one_culprit_and_only_the_way_to_it_failed(
    calls: Calls, made: Spans
) -> None:
    fails = calls.status >= 500
    expected = np.zeros_like(made.failed)
    for culprit in np.flatnonzero(made.culprit & fails[made.call]).tolist():
        while culprit >= 0:
            expected[culprit] = True
            culprit = made.caller[culprit]

    assert fails.sum() > 100
    assert (culprits(made, calls)[fails] == 1).all()
    assert (made.failed == expected).all()
    assert (made.caller[made.culprit & fails[made.call]] >= 0).any()


def test_a_call_that_the_caller_is_to_blame_for_has_no_culprit(calls: Calls, made: Spans) -> None:
    fine = (calls.status < 500) & (calls.fault_kind != FaultKind.SLOW)

    assert (calls.status[fine] >= 400).any()
    assert not culprits(made, calls)[fine].any()


def test_a_slow_or_timed_out_call_has_one_culprit_that_itself_takes_most_of_the_time(calls: Calls, made: Spans) -> None:
    drags = (calls.fault_kind == FaultKind.SLOW) | (calls.status == 504)
    within = np.zeros(len(made.call), np.int64)
    np.add.at(within, made.caller[made.caller >= 0], (made.end - made.start)[made.caller >= 0])
    own = made.end - made.start - within
    chosen = np.flatnonzero(made.culprit & drags[made.call])
    roots = np.flatnonzero(made.caller < 0)[made.call[chosen]]

    assert drags.sum() > 100
    assert (culprits(made, calls)[drags] == 1).all()
    assert (own[chosen] > 0.5 * (made.end - made.start)[roots]).all()
    slow = (calls.fault_kind == FaultKind.SLOW)[made.call]
    assert not made.failed[slow & (calls.status < 500)[made.call]].any()


def test_a_calls_spans_are_the_same_whatever_calls_are_asked_for_with_it(
    chain: Chain, behind: Services, calls: Calls, made: Spans
) -> None:
    for start, stop in ((0, 1), (3, 40), (501, 502), (1_000, 1_700)):
        before = start - int(calls.session.searchsorted(calls.session[start]))
        alone = spans(chain, behind, calls.part(start, stop), before)
        first, last = np.searchsorted(made.call, [start, stop])
        for column in ("service", "ids", "start", "end", "failed", "culprit"):
            assert (getattr(alone, column) == getattr(made, column)[first:last]).all()
        assert (alone.trace_ids == made.trace_ids[start:stop]).all()
        assert (alone.caller == np.maximum(made.caller[first:last] - first, -1)).all()


def test_another_seed_gives_other_traces(chain: Chain, behind: Services, calls: Calls, made: Spans) -> None:
    other = compile_chain(chain.workflow, Parameters(users=1_000, cascade_rate=0.5, seed=12))

    assert not (spans(other, behind, calls).trace_ids == made.trace_ids).all(axis=1).any()


def test_without_a_graph_a_call_is_one_span_of_a_service_named_after_the_workflow() -> None:
    workflow = Workflow("shop", {"home": 1.0}, {}, {"home": 1.0}, {"home": 10.0})
    chain = compile_chain(workflow, Parameters(users=10))

    found = spans_of(Otlp(chain).encode(generate(chain, 1, 10)))

    assert [(service, span.name, span.kind) for service, span in found] == [("shop", "GET home", SERVER_KIND)] * 10


def test_a_large_graph_is_followed_to_its_end_and_a_service_that_is_called_twice_has_two_spans() -> None:
    names = [f"s{number}" for number in range(8)]
    graph = ServiceGraph({"home": "s0"}, {name: dict.fromkeys(names[i + 1 :], 1.0) for i, name in enumerate(names)})
    workflow = Workflow("deep", {"home": 1.0}, {}, {"home": 1.0}, {"home": 10.0}, service_graph=graph)
    chain = compile_chain(workflow, Parameters(users=3, cascade_rate=0.0))

    made = spans(chain, services(chain), generate(chain, 1, 3))

    assert np.bincount(made.call).tolist() == [2**7] * 3
    assert np.bincount(made.service[made.call == 0]).tolist() == [1, 1, 2, 4, 8, 16, 32, 64]


def test_the_serialised_traces_are_what_the_generated_classes_write(chain: Chain, calls: Calls) -> None:
    data = Otlp(chain).encode(calls)

    assert trace_pb2.TracesData.FromString(data).SerializeToString() == data


def test_a_consumer_finds_every_parent_in_the_same_trace_and_the_path_to_the_error(
    chain: Chain, calls: Calls, graph: ServiceGraph
) -> None:
    traces: dict[bytes, dict[bytes, tuple[str, trace_pb2.Span]]] = defaultdict(dict)
    for service, span in spans_of(Otlp(chain).encode(calls)):
        assert (len(span.trace_id), len(span.span_id)) == (16, 8)
        traces[span.trace_id][span.span_id] = service, span

    assert len(traces) == len(calls)
    failed = 0
    for trace in traces.values():
        roots = [span for _, span in trace.values() if not span.parent_span_id]
        assert len(roots) == 1
        for service, span in trace.values():
            if span.parent_span_id:
                caller, parent = trace[span.parent_span_id]
                assert service in graph.calls[caller]
                assert span.status.code != ERROR or parent.status.code == ERROR
        of_call = attributes(roots[0].attributes)
        is_failed = of_call["http.response.status_code"] >= 500
        assert (roots[0].status.code == ERROR) == is_failed
        failed += is_failed
    assert failed == (calls.status >= 500).sum()


def test_the_culprit_is_named_in_an_attribute_and_the_fault_in_the_roots(chain: Chain, calls: Calls) -> None:
    found = spans_of(Otlp(chain).encode(calls))
    marked = {span.trace_id for _, span in found if attributes(span.attributes).get("greenroom.culprit")}
    kinds = Counter(attributes(span.attributes).get("greenroom.fault_kind", "") for _, span in found)

    assert len(marked) == ((calls.status >= 500) | (calls.fault_kind == FaultKind.SLOW)).sum()
    assert kinds["timeout"] == (calls.fault_kind == FaultKind.TIMEOUT).sum()
    assert kinds["retry"] == (calls.fault_kind == FaultKind.RETRY).sum()
