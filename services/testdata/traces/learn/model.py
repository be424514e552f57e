"""A learned chain, with counts and intervals of its numbers."""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from services.testdata.traces.certificate import Detection, Evidence
from services.testdata.traces.validation import MAX_LATENCY
from services.testdata.traces.workflow import DEFAULT_METHOD, Workflow

DEFAULT_LATENCY = 100.0
"""Mean latency in ms if the log has no latencies, so that sessions can be generated from the workflow."""


class Export(StrEnum):
    """Exports for machine learning, by file name."""

    TRANSITIONS = "transitions.parquet"
    NGRAMS = "ngrams.parquet"
    SESSION_FEATURES = "session_features.parquet"


@dataclass(frozen=True, slots=True)
class LearnedEdge:
    """An edge that was seen: `start` is "" for an entry, `to` for an exit.

    probability: its share of all edges from `start`. low, high: the 95 % Wilson interval.
    """

    start: str
    to: str
    count: int
    probability: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LearnedEndpoint:
    """An endpoint. count: without retries. error_rate, mean and quantiles (ms): outside of cascades.

    error_rate: 0 without statuses. quantiles: at `certificate.QUANTILES`; empty without latencies. mean: 0 without
    latencies. method: the most frequent one; "" without methods.
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

    bic_difference: BIC of order 2 minus BIC of order 1; below 0 favours order 2.
    """

    g: float
    degrees_of_freedom: int
    p_value: float
    bic_difference: float

    @property
    def order_1_is_enough(self) -> bool:
        """True if the test does not reject order 1 at 0.01, or BIC does not favour order 2."""
        return self.p_value >= 0.01 or self.bic_difference >= 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Rows that were skipped or corrected: the reason, their number, and the first row, from 1; 0 for files."""

    reason: str
    count: int
    first_row: int
    description: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The count of every edge, in the order of `Learned.edges`, after a number of calls."""

    calls: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """Everything learned from a log. calls: without retries. checkpoints: ascending, up to half of the sessions."""

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
        """The chain as a valid workflow; its rows sum to 1."""
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
        """The evidence for a certificate."""
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
