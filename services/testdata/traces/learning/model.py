"""What was learned from a log: a chain, and what is known about each of its numbers."""

from collections import defaultdict
from dataclasses import dataclass

from services.testdata.traces.certificate import Detection, Evidence
from services.testdata.traces.validation import MAX_LATENCY
from services.testdata.traces.workflow import DEFAULT_METHOD, Workflow

DEFAULT_LATENCY = 100.0
"""Mean latency in milliseconds of an endpoint whose log has none, so that its workflow can be generated from."""


@dataclass(frozen=True, slots=True)
class LearnedEdge:
    """An edge that was seen: `start` is "" for an entry, `to` for an exit.

    probability: its share of what left `start`. low, high: the ends of the 95 % Wilson interval.
    """

    start: str
    to: str
    count: int
    probability: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LearnedEndpoint:
    """An endpoint. count is without retries; error_rate and the latencies (ms) are those outside of cascades.

    error_rate: 0 where the log has no status. quantiles: at `certificate.QUANTILES`, empty where the log has none.
    mean: 0 where the log has none. method: the one it was called with most, "" where the log has none.
    """

    name: str
    count: int
    error_rate: float
    quantiles: tuple[float, ...]
    mean: float
    method: str


@dataclass(frozen=True, slots=True)
class OrderTest:
    """A likelihood-ratio test of a second-order chain against the first-order one.

    bic_difference: BIC of order 2 less that of order 1; below 0 speaks for order 2.
    """

    g: float
    degrees_of_freedom: int
    p_value: float
    bic_difference: float

    @property
    def order_1_is_enough(self) -> bool:
        """Whether the test does not reject order 1 at 0.01, or BIC does not want order 2."""
        return self.p_value >= 0.01 or self.bic_difference >= 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Rows that were not learned from, or not as they stood: why, how many, and the first one's number from 1."""

    reason: str
    count: int
    first_row: int
    description: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The count of every edge, in the order of `Learned.edges`, after so many calls."""

    calls: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """All that was learned. calls is without retries; checkpoints go from few sessions to half of them."""

    name: str
    sessions: int
    calls: int
    edges: tuple[LearnedEdge, ...]
    endpoints: tuple[LearnedEndpoint, ...]
    order_test: OrderTest
    skipped: tuple[Skipped, ...] = ()
    detection: Detection | None = None
    checkpoints: tuple[Checkpoint, ...] = ()

    @property
    def workflow(self) -> Workflow:
        """The chain. Its rows sum to 1, and it can be generated from as it is."""
        entries: dict[str, float] = {}
        exits: dict[str, float] = {}
        rows: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for edge in self.edges:
            if not edge.start:
                entries[edge.to] = edge.probability
            elif not edge.to:
                exits[edge.start] = edge.probability
            else:
                rows[edge.start][edge.to] = edge.probability
        return Workflow(
            name=self.name,
            entry_points=entries,
            transitions=dict(rows),
            exit_points=exits,
            avg_response_times={one.name: _mean(one) for one in self.endpoints},
            methods={one.name: one.method or DEFAULT_METHOD for one in self.endpoints},
            error_rates={one.name: one.error_rate for one in self.endpoints},
        )

    @property
    def evidence(self) -> Evidence:
        """What a certificate is issued on."""
        edges = [(edge.start, edge.to) for edge in self.edges]
        return Evidence(
            sessions=self.sessions,
            calls=self.calls,
            counts={(edge.start, edge.to): edge.count for edge in self.edges},
            latencies={one.name: one.quantiles for one in self.endpoints if one.quantiles},
            checkpoints=tuple((one.calls, dict(zip(edges, one.counts, strict=True))) for one in self.checkpoints),
            detection=self.detection,
        )


def _mean(endpoint: LearnedEndpoint) -> float:
    return min(endpoint.mean, MAX_LATENCY) if endpoint.quantiles else DEFAULT_LATENCY
