"""How alike two sets of values are, from 0 to 1, as SDMetrics defines it.

The sources are the classes of the same names in https://github.com/sdv-dev/SDMetrics. Each returns None where there is
nothing to compare.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Numbers; NaN for a value that is null."""
Codes = NDArray[np.int64]
"""Numbers of categories, the same for both sets; 0 for null."""
_DECIMALS = 14
"""Numbers that differ beyond these are equal."""


def ks_complement(sample: Floats, made: Floats) -> float | None:
    """KSComplement: 1 less the largest distance of the two empirical distributions; nulls are left out."""
    sample, made = (np.sort(np.round(one[~np.isnan(one)], _DECIMALS)) for one in (sample, made))
    if not len(sample) or not len(made):
        return None
    values = np.concatenate([sample, made])
    of_sample = np.searchsorted(sample, values, side="right") / len(sample)
    of_made = np.searchsorted(made, values, side="right") / len(made)
    return 1.0 - float(np.abs(of_sample - of_made).max())


def tv_complement(sample: Codes, made: Codes) -> float | None:
    """TVComplement: 1 less half the sum of the differences between the shares of each category; give it no nulls."""
    if not len(sample) or not len(made):
        return None
    most = int(max(sample.max(), made.max())) + 1
    shares = [np.bincount(one, minlength=most) / len(one) for one in (sample, made)]
    return 1.0 - float(np.abs(shares[0] - shares[1]).sum()) / 2


def correlation_similarity(sample: tuple[Floats, Floats], made: tuple[Floats, Floats]) -> float | None:
    """CorrelationSimilarity: 1 less half the difference of the two Pearson correlations.

    None if a column is constant, because it has no correlation.
    """
    found = _correlation(*sample), _correlation(*made)
    return None if found[0] is None or found[1] is None else 1.0 - abs(found[0] - found[1]) / 2


def _correlation(one: Floats, other: Floats) -> float | None:
    both = ~(np.isnan(one) | np.isnan(other))
    one, other = one[both], other[both]
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def contingency_similarity(sample: tuple[Codes, Codes], made: tuple[Codes, Codes]) -> float | None:
    """ContingencySimilarity: TVComplement of the pairs of categories, of which null is one."""
    if not len(sample[0]) or not len(made[0]):
        return None
    most = int(max(sample[1].max(), made[1].max())) + 1
    pairs = [first * most + second for first, second in (sample, made)]
    _, codes = np.unique(np.concatenate(pairs), return_inverse=True)
    return tv_complement(codes[: len(pairs[0])], codes[len(pairs[0]) :])


def in_bins(sample: Floats, made: Floats) -> tuple[Codes, Codes]:
    """Both as numbers of ten bins of equal width over the sample, for contingencies of numbers with categories.

    The first and the last bin have no end. Nulls are in a bin of their own.
    """
    known = sample[~np.isnan(sample)]
    least, most = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    # As numpy.histogram_bin_edges, which refuses large numbers that hardly differ.
    edges = np.linspace(least, most, 11) if least < most else np.linspace(least - 0.5, most + 0.5, 11)
    edges[0], edges[-1] = -np.inf, np.inf
    return np.digitize(sample, edges).astype(np.int64), np.digitize(made, edges).astype(np.int64)
