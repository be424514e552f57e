"""Test whether the next endpoint depends on the last one only: a second-order chain against a first-order one."""

import math

import numpy as np
import numpy.typing as npt

from services.testdata.traces.learn.model import OrderTest
from services.testdata.traces.statistics import chi2_sf

Counts = npt.NDArray[np.int64]


def order_test(codes: Counts, counts: Counts, k: int) -> OrderTest:
    """The likelihood-ratio test, from `count_triples`.

    The hypothesis: for each endpoint b, predecessor and successor are independent.
    G = 2 Σ n(abc) ln(n(abc) n(b) / (n(ab) n(bc))) with Σ (A(b) - 1) (C(b) - 1) degrees of freedom. A(b) and C(b) are
    the numbers of predecessors and successors of b that were seen, because contexts that never occur have nothing to
    estimate. Entries and exits count as neighbours. If many contexts are rare, G is far from chi-square, and BIC is the
    better criterion. Sources: Anderson and Goodman, Annals of Mathematical Statistics 28 (1957), section 3.4;
    Billingsley, same journal 32 (1961), section 5.
    """
    width = k + 1
    before_here, here_after = codes // width, codes % (width * width)
    here = here_after // width
    pair, pairs = _totals(before_here, counts)
    following, followings = _totals(here_after, counts)
    endpoint, endpoints = _totals(here, counts)
    n = counts.astype(np.float64)
    ratio = n * endpoints[endpoint] / (pairs[pair] * followings[following])
    g = max(2 * math.fsum((n * np.log(ratio)).tolist()), 0.0)
    predecessors = np.bincount(np.unique(before_here) % width, minlength=width)
    successors = np.bincount(np.unique(here_after) // width, minlength=width)
    seen = predecessors > 0
    dof = int(((predecessors[seen] - 1) * (successors[seen] - 1)).sum())
    calls = int(counts.sum())
    return OrderTest(g, dof, chi2_sf(g, dof) if dof else 1.0, dof * math.log(calls) - g)


def _totals(keys: Counts, counts: Counts) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The index of each key among the distinct ones, and the sum of the counts for each index."""
    _, index = np.unique(keys, return_inverse=True)
    return index, np.bincount(index, counts).astype(np.float64)
