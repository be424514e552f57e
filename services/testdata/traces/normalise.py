"""Make probabilities sum to exactly 1."""

import math
from collections.abc import Sequence
from dataclasses import replace

from services.testdata.traces.workflow import Workflow


def normalised(workflow: Workflow) -> Workflow:
    """A valid workflow whose entries, and whose rows with their exits, sum to exactly 1."""
    # Sort by name: among equal shares, the order decides which one is corrected.
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
    """Correct shares that sum to about 1, so that `math.fsum` gives exactly 1."""
    total = math.fsum(shares)
    if total == 1.0:
        return list(shares)
    exact = [share / total for share in shares]
    largest = max(range(len(exact)), key=exact.__getitem__)
    # The difference can be below the rounding of the largest share, so a second round may be needed.
    while (missing := 1.0 - math.fsum(exact)) != 0.0:
        exact[largest] += missing
    return exact
