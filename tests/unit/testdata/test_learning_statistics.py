"""Wilson intervals and chi-square tails, against SciPy."""

import math

import pytest
from scipy import stats

from services.testdata.traces.statistics import chi2_sf, wilson

DEGREES = (1, 2, 3, 5, 14, 19, 20, 21, 100, 999, 10_000, 123_456, 1_000_000)
PLACES = (-30, -5, -2, -0.5, -0.01, 0, 0.01, 0.5, 1, 2, 5, 8, 20, 30)


@pytest.mark.parametrize("dof", DEGREES)
def test_the_tail_of_chi_square_is_right_to_ten_digits(dof: int) -> None:
    for place in PLACES:
        x = dof + place * math.sqrt(2 * dof)
        expected = stats.chi2.sf(x, dof)
        if x > 0 and expected > 1e-290:
            assert chi2_sf(x, dof) == pytest.approx(expected, rel=1e-10), (x, dof)


def test_the_tail_of_chi_square_at_its_ends() -> None:
    assert chi2_sf(0, 5) == 1
    assert chi2_sf(-1, 5) == 1
    assert chi2_sf(math.inf, 5) == 0
    assert chi2_sf(1e9, 5) == 0
    assert chi2_sf(3, 0) == 0
    assert chi2_sf(0, 0) == 1
    with pytest.raises(ValueError, match="degrees of freedom"):
        chi2_sf(1, -1)


@pytest.mark.parametrize(("count", "n"), [(0, 10), (10, 10), (1, 1), (3, 10), (50, 100), (1, 1_000_000)])
def test_the_wilson_interval_is_the_textbooks(count: int, n: int) -> None:
    expected = stats.binomtest(count, n).proportion_ci(0.95, "wilson")

    low, high = wilson(count, n)

    assert low == pytest.approx(expected.low, abs=1e-7)
    assert high == pytest.approx(expected.high, abs=1e-7)


def test_nothing_seen_says_nothing() -> None:
    assert wilson(0, 0) == (0, 1)
