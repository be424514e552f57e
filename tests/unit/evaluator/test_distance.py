"""The distance and the direction between two samples, beside scipy and the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import ks_2samp

from services.evaluator.statistics.distance import cliffs_delta, kolmogorov_smirnov

SAMPLES = some.lists(some.integers(0, 9), min_size=1, max_size=60)


@given(SAMPLES, SAMPLES)
def test_the_distance_is_that_of_scipy_and_the_direction_counts_pairs(one: list[int], other: list[int]) -> None:
    first, second = np.bincount(one, minlength=10), np.bincount(other, minlength=10)
    assert kolmogorov_smirnov(first, second) == pytest.approx(ks_2samp(one, other).statistic, abs=1e-9)
    pairs = [(mine > theirs) - (mine < theirs) for mine in one for theirs in other]
    assert cliffs_delta(first, second) == pytest.approx(sum(pairs) / len(pairs), abs=1e-9)
