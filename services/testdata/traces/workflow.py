"""A trace workflow: a Markov chain over API endpoints, with what its calls look like."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_METHOD = "GET"
DEFAULT_ERROR_RATE = 0.05


@dataclass(frozen=True, slots=True)
class ThinkTime:
    """The wait after an endpoint before the next call, in milliseconds, uniform between the bounds."""

    min_ms: float
    max_ms: float


QUICK = ThinkTime(1_000.0, 5_000.0)
"""The think time of endpoints that have none of their own."""
THINKING = ThinkTime(10_000.0, 30_000.0)
"""The think time of endpoints that are listed without one."""


@dataclass(frozen=True, slots=True)
class ServiceGraph:
    """The services behind the endpoints.

    endpoints: endpoint → the service that answers it.
    calls: service → called service → probability per request. The graph has no cycle.
    """

    endpoints: Mapping[str, str]
    calls: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workflow:
    """The chain. `validation` finds its faults.

    entry_points: endpoint → probability; they sum to 1.
    transitions: endpoint → next endpoint → probability; a row and its exit sum to 1.
    exit_points: endpoint → probability that the session ends after it.
    avg_response_times: endpoint → mean latency, ms.
    methods: endpoint → HTTP method; DEFAULT_METHOD where none is given.
    error_rates: endpoint → share of calls that fail; DEFAULT_ERROR_RATE where none is given.
    parameters: endpoint → parameter → its values, equally likely.
    think_times: endpoint → the time before the next call; QUICK where none is given.
    """

    name: str
    entry_points: Mapping[str, float]
    transitions: Mapping[str, Mapping[str, float]]
    exit_points: Mapping[str, float]
    avg_response_times: Mapping[str, float]
    methods: Mapping[str, str] = field(default_factory=dict)
    error_rates: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    think_times: Mapping[str, ThinkTime] = field(default_factory=dict)
    service_graph: ServiceGraph | None = None

    @property
    def endpoints(self) -> tuple[str, ...]:
        """All endpoints in entries, rows and exits, sorted. Generated columns hold indices into them."""
        named = {*self.entry_points, *self.transitions, *self.exit_points}
        return tuple(sorted(named.union(*(row.keys() for row in self.transitions.values()))))
