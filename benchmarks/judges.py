"""Whether corrected rates are as sure as they say, and agreement beside the libraries that others use.

A scripted judge of known sensitivity and specificity judges conversations of a known success rate, and labels of people
calibrate it, 500 times. statsmodels and krippendorff measure the same ratings in an environment of their own.
"""

import json
import subprocess
from itertools import product

import numpy as np

from benchmarks.peers import python
from benchmarks.results import gates, limited, reached, report
from services.evaluator.statistics.kappa import kappa
from services.evaluator.statistics.krippendorff import alpha
from services.evaluator.statistics.rogan_gladen import Share, corrected
from services.evaluator.statistics.wilson import wilson

TOPIC = "judges"
_RUNS, _LABELS, _JUDGED = 500, 150, 200
_DESIGNS = tuple(product((0.5, 0.7, 0.8), (0.85, 0.9), (0.8, 0.85)))
"""(true success rate, sensitivity, specificity)"""
_PEER = """
import json, sys
import krippendorff, numpy as np
from statsmodels.stats.inter_rater import cohens_kappa
found = []
for rows in json.load(sys.stdin):
    ratings = np.array(rows, dtype=float)
    table = np.zeros((3, 3))
    for one, other in zip(ratings[0], ratings[1]):
        table[int(one), int(other)] += 1
    found.append([cohens_kappa(table).kappa, krippendorff.alpha(ratings, level_of_measurement="nominal")])
print(json.dumps(found))
"""


def run(quick: bool) -> bool:  # noqa: ARG001 - it takes seconds
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    coverages = [_coverage(*design) for design in _DESIGNS]
    sure, raw = ([one[place] for one in coverages] for place in (0, 1))
    return report(
        TOPIC,
        [
            reached(gate["covered"], "of runs", [min(sure)], [min(raw)], {"designs": sure}),
            limited(gate["not_too_often"], "of runs", [max(sure)]),
            limited(gate["agreement"], "", [_difference()]),
        ],
    )


def _coverage(true: float, sensitivity: float, specificity: float) -> tuple[float, float]:
    """The share of runs whose interval covers the true rate: corrected, and as the judge says it."""
    draw, covered, raw = np.random.default_rng(18), 0, 0
    for _ in range(_RUNS):
        labels, judged = draw.random(_LABELS) < 0.6, draw.random(_JUDGED) < true
        says = [
            np.where(truth, draw.random(truth.size) < sensitivity, draw.random(truth.size) >= specificity)
            for truth in (labels, judged)
        ]
        passed = Share(int(says[1].sum()), _JUDGED)
        found = Share(int((says[0] & labels).sum()), int(labels.sum()))
        spared = Share(int((~says[0] & ~labels).sum()), int((~labels).sum()))
        one = corrected(passed, found, spared, 0.05)
        covered += one is not None and one.interval.low <= true <= one.interval.high
        low, high = wilson(passed.rate, _JUDGED, 0.05)
        raw += low <= true <= high
    return covered / _RUNS, raw / _RUNS


def _difference() -> float:
    """The largest difference of kappa and alpha from those of the libraries, over 200 pairs of raters."""
    draw = np.random.default_rng(7)
    rated = []
    for _ in range(200):
        one = draw.integers(0, 3, 60)
        other = np.where(draw.random(60) < draw.random(), one, draw.integers(0, 3, 60))
        rated.append([one.tolist(), other.tolist()])
    asked = [str(python("agreement")), "-c", _PEER]
    done = subprocess.run(asked, input=json.dumps(rated), capture_output=True, text=True, check=True)
    differences = list[float]()
    for (one, other), (their_kappa, their_alpha) in zip(rated, json.loads(done.stdout), strict=True):
        pairs = list(zip(map(str, one), map(str, other), strict=True))
        differences += [abs((kappa(pairs) or 0) - their_kappa), abs((alpha(pairs) or 0) - their_alpha)]
    return max(differences)
