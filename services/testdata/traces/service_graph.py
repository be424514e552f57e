"""Faults of a service graph."""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from services.testdata.traces.field_paths import Names, at
from services.testdata.traces.workflow import ServiceGraph
from shared.errors import Violation
from shared.yaml import near

MAX_SERVICES = 500
MAX_SPANS = 1_000
"""The most spans of a call, if every service makes all of its calls."""
MAX_TEXT = 200


def graph_faults(graph: ServiceGraph, endpoints: Iterable[str], names: Names) -> Iterator[Violation]:
    """All faults of the service graph of a workflow."""
    for endpoint in endpoints:
        if endpoint not in graph.endpoints:
            yield Violation(at("service_graph.endpoints", endpoint), f"Say which service answers `{endpoint}`.")
    for endpoint in graph.endpoints:
        if endpoint not in names:
            yield Violation(at("service_graph.endpoints", endpoint), names.unknown(endpoint))
    services = {*graph.endpoints.values(), *graph.calls, *(name for called in graph.calls.values() for name in called)}
    if len(services) > MAX_SERVICES:
        yield Violation("service_graph", f"There are {len(services):,} services; up to {MAX_SERVICES} are allowed.")
        return
    if not all(0 < len(name) <= MAX_TEXT and name.isprintable() for name in services):
        yield Violation("service_graph", f"A service is known by 1 to {MAX_TEXT} printable characters.")
    for service, called in graph.calls.items():
        for name, share in called.items():
            if not 0.0 < share <= 1.0:
                sentence = f"A call's probability is above 0 and up to 1, not {share:g} for `{name}`."
                yield Violation(at("service_graph.calls", service), sentence)
    yield from _calls(graph)


def _calls(graph: ServiceGraph) -> Iterator[Violation]:
    asked = {*graph.endpoints.values(), *(name for called in graph.calls.values() for name in called)}
    for service in graph.calls:
        if service not in asked:
            sentence = f"No endpoint or service calls `{service}`{near(service, asked)}."
            yield Violation(at("service_graph.calls", service), sentence)
    try:
        order = list(TopologicalSorter(graph.calls).static_order())
    except CycleError as error:
        # The cycle in the error lists callees before callers.
        circle = " → ".join(f"`{name}`" for name in reversed(error.args[1]))
        yield Violation("service_graph.calls", f"Services call each other in a cycle: {circle}.")
        return
    spans = _spans(graph.calls, order)
    if (most := max((spans.get(service, 1) for service in graph.endpoints.values()), default=0)) > MAX_SPANS:
        sentence = f"A call can have {most:,} spans; up to {MAX_SPANS:,} are allowed."
        yield Violation("service_graph.calls", sentence)


def _spans(calls: Mapping[str, Mapping[str, float]], order: Iterable[str]) -> dict[str, int]:
    """The most spans of a request to each service. order: callees before callers."""
    spans: dict[str, int] = {}
    for service in order:
        spans[service] = 1 + sum(spans[name] for name in calls.get(service, {}))
    return spans
