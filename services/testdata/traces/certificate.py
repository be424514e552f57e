"""The recovery certificate: compares a learned chain with the true one, as far as the number of calls allows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from services.testdata.traces.recovery import Deviation, Edge, Row, counted_rows, deviations, g_test, true_rows
from services.testdata.traces.workflow import Workflow

SIGNIFICANCE = 0.01
"""The probability that a correct chain is rejected, divided among the rows (Bonferroni)."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""The quantiles at which latencies are compared."""
SIGMA = 0.5
"""The standard deviation of the logarithm of generated latencies."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How well a detector found labelled faults, counted by call."""

    detector: str
    precision: float
    recall: float
    f1: float
    faults: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was counted in a log.

    counts: edge → count, including entries and exits.
    latencies: endpoint → its latencies at QUANTILES in milliseconds; none for a log without them.
    checkpoints: (number of calls, counts after that many calls), ascending.
    detection: how well labelled faults were detected; None for a log without labels.
    """

    sessions: int
    calls: int
    counts: Mapping[Edge, int]
    latencies: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    checkpoints: tuple[tuple[int, Mapping[Edge, int]], ...] = ()
    detection: Detection | None = None


@dataclass(frozen=True, slots=True)
class EdgeError:
    """An edge with its true and learned probability and its count; ``""`` means entry (start) or exit (to)."""

    start: str
    to: str
    truth: float
    learned: float
    count: int

    @property
    def error(self) -> float:
        """The absolute difference of the probabilities."""
        return abs(self.learned - self.truth)

    def __str__(self) -> str:
        return f"{self.start or 'entry'} → {self.to or 'exit'}"


@dataclass(frozen=True, slots=True)
class RowTest:
    """A G-test of one row; endpoint ``""`` is the row of entries. A row without calls has count 0 and no test."""

    endpoint: str
    count: int
    g: float
    degrees_of_freedom: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """How the learned chain compares with the true one.

    edge_count: transitions and exits of the truth. cell_count: how many it could have.
    deviation: over the rows that were seen.
    edges: all edges of the truth and all impossible ones that were seen, in the rows that were seen.
    unseen: endpoints that were never called; their edges cannot be compared.
    untested: endpoints called too rarely to test their rows; ``""`` stands for the entries.
    rows: a test for every row of the truth; a p-value below bonferroni_limit rejects it.
    latencies: endpoint → mean over QUANTILES of |learned - true| / true.
    curve: (number of calls, deviation after that many calls), ascending.
    """

    truth: str
    session_count: int
    call_count: int
    edge_count: int
    cell_count: int
    deviation: Deviation
    edges: tuple[EdgeError, ...]
    unseen: tuple[str, ...]
    untested: tuple[str, ...]
    rows: tuple[RowTest, ...]
    bonferroni_limit: float
    latencies: Mapping[str, float]
    detection: Detection | None
    curve: tuple[tuple[int, Deviation], ...]

    @property
    def impossible_edges(self) -> tuple[EdgeError, ...]:
        """Edges that were seen but do not exist in the truth, highest count first."""
        return tuple(sorted((edge for edge in self.edges if not edge.truth), key=lambda edge: -edge.count))

    @property
    def worst_edge(self) -> EdgeError | None:
        """The edge with the largest error; None without edges."""
        return max(self.edges, key=lambda edge: edge.error, default=None)

    @property
    def rejected(self) -> tuple[RowTest, ...]:
        """The rows whose test rejects the truth, lowest p-value first."""
        rejected = (row for row in self.rows if row.p_value < self.bonferroni_limit)
        return tuple(sorted(rejected, key=lambda row: row.p_value))

    @property
    def recovered(self) -> bool:
        """True if there are calls, no impossible edge and no rejected row."""
        return self.call_count > 0 and not self.impossible_edges and not self.rejected


def certify(truth: Workflow, evidence: Evidence) -> Certificate:
    """Compare the counts of a log with the true chain."""
    rows, seen = true_rows(truth), counted_rows(evidence.counts)
    tests = tuple(_row_test(start, row, seen.get(start, {})) for start, row in rows.items())
    found, *earlier = deviations(rows, [seen, *(counted_rows(counts) for _, counts in evidence.checkpoints)])
    endpoints = len(rows) - 1
    return Certificate(
        truth=truth.name,
        session_count=evidence.sessions,
        call_count=evidence.calls,
        edge_count=sum(len(row) for start, row in rows.items() if start),
        cell_count=endpoints * (endpoints + 1),
        deviation=found,
        edges=tuple(_edges(rows, seen)),
        unseen=tuple(start for start in rows if start and start not in seen),
        untested=tuple(test.endpoint for test in tests if _too_rare(test, rows[test.endpoint])),
        rows=tests,
        bonferroni_limit=SIGNIFICANCE / len(tests),
        latencies=_latency_distances(truth, evidence.latencies),
        detection=evidence.detection,
        curve=tuple((calls, then) for (calls, _), then in zip(evidence.checkpoints, earlier, strict=True)),
    )


def _row_test(start: str, row: Row, seen: Mapping[str, int]) -> RowTest:
    test = g_test(row, seen)
    return RowTest(start, sum(seen.values()), test.g, test.degrees_of_freedom, test.p_value)


def _too_rare(test: RowTest, row: Row) -> bool:
    return test.count > 0 and len(row) > 1 and not test.degrees_of_freedom


def _edges(truth: Mapping[str, Row], seen: Mapping[str, Mapping[str, int]]) -> list[EdgeError]:
    edges = []
    for start in [*truth, *sorted(seen.keys() - truth.keys())]:
        row, counts = truth.get(start, {}), seen.get(start, {})
        n = sum(counts.values())
        for to in [*row, *sorted(counts.keys() - row.keys())] if n else ():
            count = counts.get(to, 0)
            edges.append(EdgeError(start, to, row.get(to, 0.0), count / n, count))
    return edges


def true_latencies(mean: float) -> tuple[float, ...]:
    """The quantiles (QUANTILES) of generated latencies with this mean, in milliseconds."""
    normal = NormalDist(-(SIGMA**2) / 2, SIGMA)
    return tuple(mean * math.exp(normal.inv_cdf(quantile)) for quantile in QUANTILES)


def _latency_distances(truth: Workflow, learned: Mapping[str, tuple[float, ...]]) -> dict[str, float]:
    distances = {}
    for endpoint in truth.endpoints:
        true = true_latencies(truth.avg_response_times[endpoint])
        if found := learned.get(endpoint):
            off = [abs(value - right) / right for value, right in zip(found, true, strict=True)]
            distances[endpoint] = sum(off) / len(off)
    return distances
