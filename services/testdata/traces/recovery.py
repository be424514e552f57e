"""How far counted edges are from a true chain, compared with the error expected by chance."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from services.testdata.traces.statistics import chi2_sf
from services.testdata.traces.workflow import Workflow

Edge = tuple[str, str]
"""(from, to): ("", endpoint) is an entry, (endpoint, "") an exit."""
Row = Mapping[str, float]
"""to → probability, above 0."""
Counts = Mapping[str, Mapping[str, int]]
"""from → to → count, above 0."""

_ENOUGH = 5.0
"""The least expected count of a cell in a G-test (Cochran, Biometrics 10 (1954), p. 417)."""


def true_rows(workflow: Workflow) -> dict[str, Row]:
    """The rows of the chain with their exits, by endpoint. The entries come first, as ``""``."""
    rows: dict[str, Row] = {"": _possible(workflow.entry_points)}
    for endpoint in workflow.endpoints:
        ends = {"": workflow.exit_points.get(endpoint, 0.0)}
        rows[endpoint] = _possible({**workflow.transitions.get(endpoint, {}), **ends})
    return rows


def _possible(row: Mapping[str, float]) -> Row:
    return {to: probability for to, probability in sorted(row.items()) if probability > 0}


def counted_rows(counts: Mapping[Edge, int]) -> dict[str, dict[str, int]]:
    """The counts by row."""
    rows: dict[str, dict[str, int]] = {}
    for (start, to), count in counts.items():
        if count:
            rows.setdefault(start, {})[to] = count
    return rows


@dataclass(frozen=True, slots=True)
class Deviation:
    """The error of the edges in the rows that were seen, and the error expected by chance.

    edges: the number of edges of those rows, without entries.
    error: the mean of |learned - true| over them; bound: the expected error of independent draws, the mean of
        √(2/π)·√(p(1−p)/n), n the row's count; spread: the standard deviation of that mean.
    cell_error: the mean of |learned - true| over all cells of those rows: each of the chain's endpoints, and the exit.
    """

    edges: int
    error: float
    bound: float
    spread: float
    cell_error: float

    @property
    def ratio(self) -> float:
        """The error divided by the bound; 0 if the bound is 0."""
        return self.error / self.bound if self.bound else 0.0


def deviations(truth: Mapping[str, Row], logs: Iterable[Counts]) -> list[Deviation]:
    """Compare the rows of each log with the true rows, without the entries."""
    by_chance = {start: _chance(row) for start, row in truth.items() if start}
    return [_deviation(truth, by_chance, counts) for counts in logs]


def _deviation(truth: Mapping[str, Row], by_chance: Mapping[str, tuple[float, float]], counts: Counts) -> Deviation:
    edges, cells, errors, cell_errors, bound, variance = 0, 0, 0.0, 0.0, 0.0, 0.0
    for start, (mean, squared) in by_chance.items():
        row, seen = truth[start], counts.get(start, {})
        if not seen:
            continue
        n = sum(seen.values())
        error = sum(abs(seen.get(to, 0) / n - probability) for to, probability in row.items())
        impossible = sum(count for to, count in seen.items() if to not in row and to in truth)
        edges, cells = edges + len(row), cells + len(truth)
        errors, cell_errors = errors + error, cell_errors + error + impossible / n
        bound, variance = bound + mean / math.sqrt(n), variance + squared / n
    if not edges:
        return Deviation(0, 0.0, 0.0, 0.0, 0.0)
    return Deviation(edges, errors / edges, bound / edges, math.sqrt(variance) / edges, cell_errors / cells)


def _chance(row: Row) -> tuple[float, float]:
    """The sum of |learned - true| over a row after n independent draws: its mean times √n, and its variance times n.

    The errors of a row are nearly normal and correlated by -√(pq / ((1−p)(1−q))); the covariance of absolute values
    is S. Nabeya, Ann. Inst. Stat. Math. 3 (1951), p. 2: (2/π)(√(1−ρ²) + ρ·asin ρ − 1).
    """
    p = np.array([probability for probability in row.values() if probability < 1])
    deviations = np.sqrt(p * (1 - p))
    odds = np.sqrt(p / (1 - p))
    correlations = np.clip(-np.outer(odds, odds), -1.0, 1.0)
    np.fill_diagonal(correlations, 1.0)
    shared = np.sqrt(1 - correlations**2) + correlations * np.arcsin(correlations) - 1
    variance = 2 / math.pi * float(deviations @ shared @ deviations)
    return math.sqrt(2 / math.pi) * float(deviations.sum()), max(0.0, variance)


@dataclass(frozen=True, slots=True)
class GTest:
    """A G-test of one row: the statistic, its degrees of freedom and its p-value."""

    g: float
    degrees_of_freedom: int
    p_value: float


def g_test(row: Row, seen: Mapping[str, int]) -> GTest:
    """Test whether `seen` was drawn from `row`. Impossible cells are left out, because they need no test.

    Cells with the lowest expectation are merged until each is expected 5 times; one cell needs no test.
    The statistic carries D. A. Williams' correction for small counts (Biometrika 63 (1976), p. 33).
    """
    n = sum(seen.get(to, 0) for to in row)
    cells = _merged([(n * probability, seen.get(to, 0)) for to, probability in row.items()])
    total = sum(expected for expected, _ in cells)
    # The probabilities of a row sum to 1 except for rounding; the statistic needs exactly 1.
    g = 2 * sum(count * math.log(count * total / (expected * n)) for expected, count in cells if count)
    freedom = len(cells) - 1
    if freedom < 1:
        return GTest(0.0, 0, 1.0)
    correction = 1 + (sum(total / expected for expected, _ in cells) - 1) / (6 * n * freedom)
    g = max(0.0, g / correction)
    return GTest(g, freedom, chi2_sf(g, freedom))


def _merged(cells: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Cells of (expected, seen) counts; the smallest are merged until each expectation is large enough."""
    cells = sorted(cells)
    while len(cells) > 1 and cells[0][0] < _ENOUGH:
        (expected, count), (other, more), *rest = cells
        cells = sorted([(expected + other, count + more), *rest])
    return cells
