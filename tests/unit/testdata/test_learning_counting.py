"""Counting transitions, and the test of the chain's order."""

import math
from bisect import bisect
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from services.testdata.traces.learn import counting
from services.testdata.traces.learn.counting import count_edges, count_triples
from services.testdata.traces.learn.order import order_test

K = 5
LOGS = st.lists(st.lists(st.integers(0, K - 1), min_size=1, max_size=8), min_size=1, max_size=30)

Log = Sequence[Sequence[int]]


def columns(log: Log) -> tuple[counting.Endpoints, counting.Counts]:
    starts = np.cumsum([0, *map(len, log)]).astype(np.int64)
    return np.concatenate([np.array(session, np.uint16) for session in log]), starts


def drawn(order: int, sessions: int, seed: int = 1) -> list[list[int]]:
    """Random sessions of a chain of this order (1 or 2)."""
    draws = np.random.default_rng(seed)
    rows = draws.dirichlet(np.ones(K), size=(K + 1, K + 1)).cumsum(axis=2).tolist()
    lengths = draws.geometric(0.1, sessions)
    chances = iter(draws.random(int(lengths.sum())).tolist())
    found = []
    for length in lengths:
        before, here, session = K, K, []
        for _ in range(length):
            after = min(bisect(rows[before if order == 2 else 0][here], next(chances)), K - 1)
            session.append(after)
            before, here = here, after
        found.append(session)
    return found


@given(LOGS)
@settings(deadline=None)  # the first call compiles
def test_edges_are_counted_with_entries_and_exits(log: Log) -> None:
    expected = Counter(pair for session in log for pair in zip([K, *session], [*session, K], strict=True))

    counts = count_edges(*columns(log), K)

    assert Counter({(a, b): n for (a, b), n in np.ndenumerate(counts) if n}) == expected
    assert counts.dtype == np.int64


@given(LOGS)
@settings(deadline=None)  # the first call compiles
def test_successions_of_three_are_counted_one_a_call(log: Log) -> None:
    triples = [zip([K, *session[:-1]], session, [*session[1:], K], strict=True) for session in log]
    width = K + 1
    expected = Counter((a * width + b) * width + c for session in triples for a, b, c in session)

    codes, counts = count_triples(*columns(log), K)
    assert dict(zip(codes.tolist(), counts.tolist(), strict=True)) == expected
    assert codes.tolist() == sorted(codes.tolist())


def test_many_endpoints_are_counted_by_sorting_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    log = drawn(order=1, sessions=300)
    dense = count_triples(*columns(log), K)
    monkeypatch.setattr(counting, "DENSE", 0)
    monkeypatch.setattr(counting, "BLOCK", 64)

    sorted_ = count_triples(*columns(log), K)

    assert all((one == other).all() for one, other in zip(dense, sorted_, strict=True))


def test_the_statistic_is_that_of_independence_in_a_table_for_each_endpoint() -> None:
    log = drawn(order=1, sessions=2_000)
    tables = np.zeros((K + 1, K, K + 1))
    for session in log:
        for a, b, c in zip([K, *session[:-1]], session, [*session[1:], K], strict=True):
            tables[a, b, c] += 1
    g, dof = 0.0, 0
    for b in range(K):
        table = tables[:, b, :]
        seen = table[table.sum(1) > 0][:, table.sum(0) > 0]
        result = stats.chi2_contingency(seen, correction=False, lambda_="log-likelihood")
        g, dof = g + result.statistic, dof + result.dof

    found = order_test(*count_triples(*columns(log), K), K)

    assert found.g == pytest.approx(g)
    assert found.degrees_of_freedom == dof
    assert found.p_value == pytest.approx(stats.chi2.sf(g, dof))
    assert found.bic_difference == pytest.approx(dof * math.log(sum(map(len, log))) - g)


def test_a_first_order_chain_is_rejected_as_rarely_as_the_test_promises() -> None:
    p_values = [order_test(*count_triples(*columns(drawn(1, 1_500, seed)), K), K).p_value for seed in range(60)]

    # The p-values are uniform: fewer than one in 10,000 uniform samples deviate more.
    assert stats.kstest(p_values, "uniform").pvalue > 1e-4
    assert sum(p < 0.01 for p in p_values) <= 5


def test_a_second_order_chain_is_told_from_a_first_order_one() -> None:
    first = order_test(*count_triples(*columns(drawn(1, 3_000)), K), K)
    second = order_test(*count_triples(*columns(drawn(2, 3_000)), K), K)

    assert first.order_1_is_enough
    assert not second.order_1_is_enough
    assert second.p_value < 1e-100
    assert second.bic_difference < 0 < first.bic_difference


def test_nothing_to_test_is_enough() -> None:
    found = order_test(*count_triples(*columns([[0, 1, 2]] * 10), K), K)

    assert (found.g, found.degrees_of_freedom, found.p_value) == (0, 0, 1)
    assert found.order_1_is_enough
