"""Probabilities made to sum to exactly 1."""

import math
from collections.abc import Sequence
from dataclasses import replace

from services.testdata.traces.workflow import Workflow


def normalised(workflow: Workflow) -> Workflow:
    """A workflow without faults, its entries and rows with their exits summing to exactly 1; the same if they do."""
    # In the order of the names: of shares that are equal it decides which one takes what is missing.
    transitions, exits = {}, dict(workflow.exit_points)
    for endpoint in workflow.endpoints:
        row = dict(sorted(workflow.transitions.get(endpoint, {}).items()))
        *shares, leave = to_one([*row.values(), exits.get(endpoint, 0.0)])
        if row:
            transitions[endpoint] = dict(zip(row, shares, strict=True))
        if endpoint in exits:
            exits[endpoint] = leave
    entries = dict(sorted(workflow.entry_points.items()))
    entries = dict(zip(entries, to_one(list(entries.values())), strict=True))
    return replace(workflow, entry_points=entries, transitions=transitions, exit_points=exits)


def to_one(shares: Sequence[float]) -> list[float]:
    """Shares that sum to about 1, with `math.fsum` of exactly 1."""
    total = math.fsum(shares)
    if total == 1.0:
        return list(shares)
    exact = [share / total for share in shares]
    largest = max(range(len(exact)), key=exact.__getitem__)
    # What is missing is less than the largest share's own rounding, so that it may take a second time.
    while (missing := 1.0 - math.fsum(exact)) != 0.0:
        exact[largest] += missing
    return exact
