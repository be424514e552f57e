"""Agreement and corrected rates, beside published numbers, other libraries and simulated judges."""

from fractions import Fraction
from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import norm

from services.evaluator.statistics.kappa import kappa
from services.evaluator.statistics.krippendorff import alpha
from services.evaluator.statistics.rogan_gladen import Share, corrected

RATERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
"""Krippendorff, K. (2011), Computing Krippendorff's alpha-reliability, example C."""


@pytest.mark.parametrize(
    ("table", "theirs"),
    [
        ([[20, 5], [10, 15]], 0.4),
        ([[45, 15], [25, 15]], 0.13043478260869554),
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], 0.49152542372881347),
    ],
)
def test_kappa_is_that_of_statsmodels(table: list[list[int]], theirs: float) -> None:
    pairs = [
        (str(one), str(other))
        for (one, row) in enumerate(table)
        for other, count in enumerate(row)
        for _ in range(count)
    ]
    assert kappa(pairs) == pytest.approx(theirs, abs=1e-9)  # statsmodels 0.15.0


@given(some.lists(some.tuples(some.sampled_from("abc"), some.sampled_from("abc")), max_size=40))
def test_kappa_is_the_exact_fraction_of_its_definition(pairs: list[tuple[str, str]]) -> None:
    total = len(pairs)
    chance = sum(
        Fraction(sum(one == rating for one, _ in pairs) * sum(other == rating for _, other in pairs), total**2)
        for rating in "abc"
        if total
    )
    if not total or chance == 1:
        assert kappa(pairs) is None
    else:
        agreed = Fraction(sum(one == other for one, other in pairs), total)
        assert kappa(pairs) == pytest.approx(float((agreed - chance) / (1 - chance)), abs=1e-12)


def test_kappa_of_a_constant_predictor_is_0() -> None:
    assert kappa([("pass", "pass")] * 90 + [("fail", "pass")] * 10) == 0


def test_krippendorffs_alpha_is_the_published_one_and_that_of_the_library() -> None:
    rows = [row.split() for row in RATERS]
    units = [[rating for rating in column if rating != "."] for column in zip(*rows, strict=True)]
    found = alpha(units)
    assert found is not None
    assert round(found, 3) == 0.743
    assert found == pytest.approx(0.743421052631579, abs=1e-9)  # krippendorff 0.9.0


def test_an_agreement_without_any_difference_between_units_is_not_defined() -> None:
    assert alpha([["a", "a"], ["a", "a"]]) is None
    assert alpha([["a"], ["b"]]) is None
    assert kappa([("a", "a")]) is None


@given(
    some.tuples(some.integers(0, 60), some.integers(0, 40), some.integers(0, 30)),
    some.sampled_from([0.05, 0.01, 0.2]),
)
def test_a_corrected_rate_is_as_lang_and_reiczigel_write_it(counts: tuple[int, int, int], level: float) -> None:
    passed, found, spared = Share(counts[0], 60), Share(counts[1], 40), Share(counts[2], 30)
    ours = corrected(passed, found, spared, level)
    if counts[1] / 40 + counts[2] / 30 <= 1:
        assert ours is None
        return
    assert ours is not None
    z = float(norm.ppf(1 - level / 2))
    n, p = 60 + z**2, (counts[0] + z**2 / 2) / (60 + z**2)
    se, sp = (counts[1] + 1) / 42, (counts[2] + 1) / 32
    true = (p + sp - 1) / (se + sp - 1)
    error = sqrt(p * (1 - p) / n + se * (1 - se) / 42 * true**2 + sp * (1 - sp) / 32 * (1 - true) ** 2)
    error /= abs(se + sp - 1)
    shift = 2 * z**2 * (true * se * (1 - se) / 42 - (1 - true) * sp * (1 - sp) / 32)
    ends = [min(max(true + shift + sign * z * error, 0), 1) for sign in (-1, 1)]
    assert ours.interval == pytest.approx(ends, abs=1e-9)
    rate = (counts[0] / 60 + counts[2] / 30 - 1) / (counts[1] / 40 + counts[2] / 30 - 1)
    assert ours.rate == pytest.approx(min(max(rate, 0), 1), abs=1e-9)


@pytest.mark.parametrize(("true", "sensitivity", "specificity"), [*product([0.5, 0.8], [0.9, 0.8], [0.85])])
def test_corrected_intervals_of_500_runs_cover_the_true_rate(
    true: float, sensitivity: float, specificity: float
) -> None:
    draw, covered, raw = np.random.default_rng(18), 0, 0
    for _ in range(500):
        labels, judged = (draw.random(size) < rate for size, rate in ((150, 0.6), (200, true)))
        says = [
            np.where(truth, draw.random(truth.size) < sensitivity, draw.random(truth.size) >= specificity)
            for truth in (labels, judged)
        ]
        found = Share(int((says[0] & labels).sum()), int(labels.sum()))
        spared = Share(int((~says[0] & ~labels).sum()), int((~labels).sum()))
        one = corrected(Share(int(says[1].sum()), says[1].size), found, spared, 0.05)
        assert one is not None
        covered += one.interval.low <= true <= one.interval.high
        raw += abs(says[1].mean() - true) <= 1.96 * sqrt(says[1].mean() * (1 - says[1].mean()) / 200)
    assert 0.93 <= covered / 500 <= 0.97, covered
    assert raw / 500 < 0.93
