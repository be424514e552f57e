"""Intervals, tests and sample sizes, beside scipy and published numbers."""

from math import comb, isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.optimize import brentq
from scipy.stats import binom, binomtest, norm

from services.evaluator.statistics.clustered import Cluster, clustered_wilson
from services.evaluator.statistics.holm import holm
from services.evaluator.statistics.independent import independent
from services.evaluator.statistics.mcnemar import mid_p
from services.evaluator.statistics.newcombe import newcombe
from services.evaluator.statistics.pairs import Pairs, pairs_of
from services.evaluator.statistics.pass_k import pass_k
from services.evaluator.statistics.sample_size import pairs_needed, trials_needed
from services.evaluator.statistics.wilson import wilson

SIZES = (1, 2, 7, 50, 1000, 100_000)
ALPHAS = (0.05, 0.01, 0.2)
BENTUR = Pairs(both=1, gained=1, lost=7, neither=12)
"""Bentur et al. 2009, airway hyper-responsiveness of 21 children, as in Fagerland, Lydersen and Laake 2014."""


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("total", SIZES)
def test_wilson_is_the_interval_of_scipy(total: int, alpha: float) -> None:
    for successes in {0, 1, total // 3, total - 1, total}:
        ours = wilson(successes / total, total, alpha)
        theirs = binomtest(successes, total).proportion_ci(1 - alpha, method="wilson")
        assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-9)
        assert 0 <= ours.low <= successes / total <= ours.high <= 1


def test_of_a_rate_that_nothing_was_seen_of_nothing_is_known() -> None:
    assert wilson(0.0, 0, 0.05) == (0, 1)
    assert clustered_wilson([], 0.05) == (0, 1)


def test_an_interval_ends_at_0_or_1_where_the_rate_does() -> None:
    assert wilson(0.0, 50, 0.05).low == 0
    assert wilson(1.0, 50, 0.05).high == 1


def test_clusters_whose_members_all_agree_count_as_one_trial_each_less_one() -> None:
    alike = [Cluster(5 * passed, 5) for passed in [1] * 6 + [0] * 4]
    assert clustered_wilson(alike, 0.05) == pytest.approx(wilson(0.6, 9, 0.05), abs=1e-9)


def test_clusters_of_one_are_independent_trials() -> None:
    alone = [Cluster(passed, 1) for passed in [1] * 33 + [0] * 17]
    assert clustered_wilson(alone, 0.05) == wilson(33 / 50, 50, 0.05)


@given(some.lists(some.tuples(some.integers(0, 9), some.integers(0, 9)), max_size=30))
def test_clusters_never_make_an_interval_narrower(clusters: list[tuple[int, int]]) -> None:
    clustered = [Cluster(passed, passed + failed) for passed, failed in clusters]
    total = sum(one.total for one in clustered)
    plain = wilson(sum(one.successes for one in clustered) / total if total else 0.0, total, 0.05)
    wide = clustered_wilson(clustered, 0.05)
    assert wide.low <= plain.low + 1e-12
    assert wide.high >= plain.high - 1e-12


def test_newcombe_and_mid_p_agree_with_published_numbers() -> None:
    interval = newcombe(BENTUR, 0.05)
    assert (round(interval.low, 3), round(interval.high, 3)) == (-0.507, -0.026)
    assert round(mid_p(BENTUR.gained, BENTUR.lost), 4) == 0.0391


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(
    "pairs",
    [
        BENTUR,
        Pairs(36, 12, 2, 0),
        Pairs(20, 10, 15, 5),
        Pairs(30, 4, 6, 10),
        Pairs(0, 50, 0, 0),
        Pairs(50, 0, 0, 0),
        Pairs(0, 0, 0, 50),
        Pairs(25, 0, 0, 25),
        Pairs(0, 0, 1, 0),
        Pairs(9000, 400, 300, 300),
    ],
)
def test_newcombe_joins_the_limits_that_solve_the_score_equation(pairs: Pairs, alpha: float) -> None:
    assert newcombe(pairs, alpha) == pytest.approx(_newcombe(pairs, alpha), abs=1e-9)


def _newcombe(pairs: Pairs, alpha: float) -> tuple[float, float]:
    """Method 10 from its definition: the limits are roots of the score equation, found by bisection."""
    a, b, c, d = pairs
    n, z = pairs.total, float(norm.isf(alpha / 2))
    sides = []
    for rate in ((a + b) / n, (a + c) / n):
        ends = [0.0, 1.0]
        for place, beyond in enumerate((0.0, 1.0)):
            if rate != beyond:
                inner = rate - 1e-15 if beyond < rate else rate + 1e-15
                ends[place] = brentq(
                    lambda p, r=rate: (r - p) ** 2 - z * z * p * (1 - p) / n, beyond, inner, xtol=1e-15
                )
        sides.append((rate, *ends))
    (new, new_low, new_high), (old, old_low, old_high) = sides
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    determinant = a * d - b * c
    corrected = determinant if determinant < 0 else max(determinant - n / 2, 0)
    phi = corrected / sqrt(margins) if margins else 0.0
    down, up = (new - new_low, old_high - old), (new_high - new, old - old_low)
    low, high = (sqrt(max(x * x + y * y - 2 * phi * x * y, 0)) for x, y in (down, up))
    return new - old - low, new - old + high


def _score(limit: float, rate: float, spread: float) -> float:
    return (rate - limit) ** 2 - spread * limit * (1 - limit)


def test_without_pairs_the_difference_may_be_anything() -> None:
    assert newcombe(Pairs(), 0.05) == (-1, 1)
    assert Pairs().difference == 0
    assert mid_p(0, 0) == 1


@pytest.mark.parametrize(
    ("gained", "lost"), [(0, 1), (0, 5), (1, 7), (6, 4), (0, 50), (20, 30), (490, 510), (4900, 5100), (100, 60_000)]
)
def test_mid_p_is_the_exact_p_of_scipy_less_the_probability_of_what_was_seen(gained: int, lost: int) -> None:
    exact = binomtest(min(gained, lost), gained + lost).pvalue
    seen = binom.pmf(min(gained, lost), gained + lost, 0.5)
    assert isclose(mid_p(gained, lost), exact - seen, rel_tol=1e-9, abs_tol=1e-300)
    assert mid_p(lost, gained) == mid_p(gained, lost)


@pytest.mark.parametrize("each", [1, 5, 400])
def test_mid_p_of_as_many_gained_as_lost_is_1_less_half_their_probability(each: int) -> None:
    assert mid_p(each, each) == pytest.approx(1 - binom.pmf(each, 2 * each, 0.5) / 2, abs=1e-9)


def test_pairs_are_counted_by_who_passed() -> None:
    results = [(True, True), (True, False), (False, True), (False, True), (False, False)]
    assert pairs_of(results) == Pairs(both=1, gained=1, lost=2, neither=1)


def test_pass_k_is_the_share_of_choices_that_all_passed() -> None:
    tasks = [Cluster(4, 4), Cluster(3, 4), Cluster(1, 4), Cluster(0, 4)]
    assert pass_k(tasks, 1) == pytest.approx(8 / 16)
    assert pass_k(tasks, 2) == pytest.approx((1 + 3 / 6) / 4)
    assert pass_k(tasks, 4) == 1 / 4
    assert pass_k([Cluster(60, 80)], 8) == pytest.approx(comb(60, 8) / comb(80, 8), abs=1e-12)
    assert pass_k([], 2) == 0
    with pytest.raises(ValueError, match="needs 5 attempts"):
        pass_k(tasks, 5)


def test_holm_agrees_with_the_steps_of_its_definition() -> None:
    p_values = [0.01, 0.04, 0.03, 0.005]
    assert holm(p_values) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.7, 0.9]) == [1, 1]


@given(some.lists(some.floats(0, 1), max_size=12), some.floats(0.001, 0.5))
def test_holm_rejects_as_the_steps_do(p_values: list[float], alpha: float) -> None:
    rejected = set()
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if (len(p_values) - rank) * p_values[place] > alpha:
            break
        rejected.add(place)
    assert {place for place, p in enumerate(holm(p_values)) if p <= alpha} == rejected


@pytest.mark.parametrize(("difference", "discordance"), [(0.1, 0.2), (-0.1, 0.3), (0.1, 0.0), (0.05, 0.1), (1.0, 1.0)])
def test_as_many_pairs_are_needed_as_find_the_difference_four_times_in_five(
    difference: float, discordance: float
) -> None:
    size, differing = abs(difference), max(discordance, abs(difference))

    def power(pairs: int) -> float:
        spread = sqrt(differing - size * size)
        beyond = size * sqrt(pairs) - norm.isf(0.025) * sqrt(differing)
        return float(norm.cdf(beyond / spread)) if spread else float(beyond >= 0)

    needed = pairs_needed(difference, discordance, 0.05)
    assert power(needed) >= 0.8 - 1e-9
    assert power(needed - 1) < 0.8


def test_trials_needed_to_tell_a_rate_from_a_threshold() -> None:
    assert trials_needed(0.9, 0.8, 0.05) == 108
    assert trials_needed(0.7, 0.8, 0.05) == 137
    assert trials_needed(1.0, 0.0, 0.05) == 1


def test_the_interval_of_independent_rates_agrees_with_published_numbers() -> None:
    """Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10."""
    for new, old, published in (
        (Cluster(56, 70), Cluster(48, 80), (0.0524, 0.3339)),
        (Cluster(9, 10), Cluster(3, 10), (0.1705, 0.8090)),
        (Cluster(10, 10), Cluster(0, 20), (0.6791, 1.0)),
    ):
        assert independent(new, old, 0.05) == pytest.approx(published, abs=5e-5)
    assert independent(Cluster(1, 2), Cluster(0, 0), 0.05) == (-1, 1)
