"""The recovery certificate: whether what was learned is the truth, as far as so many calls can tell."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from services.testdata.traces.recovery import Deviation, Edge, Row, counted_rows, deviations, g_test, true_rows
from services.testdata.traces.workflow import Workflow

SIGNIFICANCE = 0.01
"""How often a faithful certificate may say no; shared by its rows (Bonferroni)."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Which quantiles of the latencies are compared."""
SIGMA = 0.5
"""Of the generator's log-normal latencies."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How well a detector found labelled faults, call by call."""

    detector: str
    precision: float
    recall: float
    f1: float
    faults: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was counted in a log.

    counts: edge → how often it was seen, with entries and exits.
    latencies: endpoint → its latencies at QUANTILES in milliseconds; none for a log without them.
    checkpoints: after so many calls → the counts until then, in the order of the calls.
    detection: how the log's labelled faults were told; None for a log without labels.
    """

    sessions: int
    calls: int
    counts: Mapping[Edge, int]
    latencies: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    checkpoints: tuple[tuple[int, Mapping[Edge, int]], ...] = ()
    detection: Detection | None = None


@dataclass(frozen=True, slots=True)
class EdgeError:
    """An edge, its true and its learned probability, and how often it was seen; ``""`` is entry and exit."""

    start: str
    to: str
    truth: float
    learned: float
    count: int

    @property
    def error(self) -> float:
        """How much it is off."""
        return abs(self.learned - self.truth)

    def __str__(self) -> str:
        return f"{self.start or 'entry'} → {self.to or 'exit'}"


@dataclass(frozen=True, slots=True)
class RowTest:
    """A G-test of one row, the entries' for the endpoint ``""``. A row that was never left has count 0 and no test."""

    endpoint: str
    count: int
    g: float
    degrees_of_freedom: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """How true and learned chain compare.

    edge_count, cell_count: how many transitions and exits the truth has, and how many it could have.
    deviation: over the rows that were seen; `recovery.Deviation` says of what.
    edges: every edge of the truth and every impossible one; an edge of a row that was never left is missing.
    unseen: endpoints that were never called, which is why nothing is said of their edges.
    untested: endpoints that were called too rarely for a test of their rows, the entries among them as ``""``.
    rows: a test for every row of the truth; a p-value below bonferroni_limit speaks against it.
    latencies: endpoint → mean over QUANTILES of |learned - true| / true.
    curve: after so many calls → how the chain compared by then.
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
        """Edges that were seen and that the truth does not have, the most seen first."""
        return tuple(sorted((edge for edge in self.edges if not edge.truth), key=lambda edge: -edge.count))

    @property
    def worst_edge(self) -> EdgeError | None:
        """The edge that is off the most; None if none was seen."""
        return max(self.edges, key=lambda edge: edge.error, default=None)

    @property
    def rejected(self) -> tuple[RowTest, ...]:
        """The rows that speak against the truth, the strongest first."""
        rejected = (row for row in self.rows if row.p_value < self.bonferroni_limit)
        return tuple(sorted(rejected, key=lambda row: row.p_value))

    @property
    def recovered(self) -> bool:
        """Whether something was seen and nothing speaks against the truth."""
        return self.call_count > 0 and not self.impossible_edges and not self.rejected


def certify(truth: Workflow, evidence: Evidence) -> Certificate:
    """Compare what was counted with the true chain."""
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
    """The generator's latencies at QUANTILES, in milliseconds, of an endpoint with this mean."""
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
