"""Recovery: the error of chains learned from generated calls, compared with the error that chance alone causes."""

from collections.abc import Mapping
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.results import Result
from benchmarks.ways.shop import chain, shop
from services.testdata.traces.generation import FaultKind, generate
from services.testdata.traces.learn.counting import count_edges
from services.testdata.traces.recovery import Counts, counted_rows, deviations, true_rows

CALLS = 1_000_000


def results(gate: Mapping[str, Any], size: Mapping[str, Any]) -> list[Result]:
    """One row, recovery: the mean error and the mean bound. The gate limits how far the mean ratio is from 1."""
    row, seeds = gate["recovery"], range(1, size["seeds"] + 1)
    learned = deviations(true_rows(shop()), map(_counted, seeds))
    errors, bounds, ratios = zip(*((one.error, one.bound, one.ratio) for one in learned), strict=True)
    return [
        Result(
            claim=row["claim"],
            unit=f"mean error ({len(ratios)} seeds)",
            ours=mean(errors),
            theirs=mean(bounds),
            ratio=mean(ratios),
            gate=row["gate"],
            held=abs(mean(ratios) - 1) <= row["gate"],
            samples={"errors": errors, "bounds": bounds, "ratios": ratios},
        )
    ]


def _counted(seed: int) -> Counts:
    """The transition counts of about CALLS calls, generated with this seed."""
    truth = chain(CALLS, seed)
    calls = generate(truth, 1, round(CALLS / truth.mean_calls))
    # A retry repeats a call; it is not a step of the chain.
    steps = calls.fault_kind != FaultKind.RETRY
    session, endpoint = calls.session[steps], calls.endpoint[steps]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(session)) + 1, [len(session)]])
    counted = count_edges(endpoint, starts, len(truth.endpoints))
    names = (*truth.endpoints, "")
    edges = {(a, b): int(counted[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)}
    return counted_rows(edges)
