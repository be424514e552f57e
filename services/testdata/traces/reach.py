"""Which endpoints a session can reach, and from which it can end."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from services.testdata.traces.workflow import Workflow


def from_entries(workflow: Workflow) -> set[str]:
    """The endpoints that a session can reach."""
    entries = [endpoint for endpoint, share in workflow.entry_points.items() if share > 0]
    return _walk(entries, {endpoint: _open(row) for endpoint, row in workflow.transitions.items()})


def to_an_exit(workflow: Workflow, others: Iterable[str] = ()) -> set[str]:
    """The endpoints from which a session can end, directly or through others."""
    back: dict[str, list[str]] = defaultdict(list)
    for endpoint, row in workflow.transitions.items():
        for successor in _open(row):
            back[successor].append(endpoint)
    exits = [endpoint for endpoint, share in workflow.exit_points.items() if share > 0]
    return _walk([*exits, *others], back)


def _open(row: Mapping[str, float]) -> list[str]:
    return [successor for successor, share in row.items() if share > 0]


def _walk(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    found = set(start)
    waiting = list(found)
    while waiting:
        new = set(edges.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found
