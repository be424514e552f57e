"""Workflows to generate from, and helpers for calls."""

import numpy as np
import numpy.typing as npt

from services.testdata.traces.generation import Calls, Chain
from services.testdata.traces.workflow import ThinkTime, Workflow

SHOP = Workflow(
    name="shop",
    entry_points={"home": 0.7, "search": 0.3},
    transitions={
        "home": {"search": 0.5, "item": 0.3},
        "search": {"item": 0.6, "search": 0.2, "home": 0.05},
        "item": {"cart": 0.25, "search": 0.35, "item": 0.2},
        "cart": {"pay": 0.6, "item": 0.2},
        "pay": {},
    },
    exit_points={"home": 0.2, "search": 0.15, "item": 0.2, "cart": 0.2, "pay": 1.0},
    avg_response_times={"home": 40.0, "search": 120.0, "item": 60.0, "cart": 90.5, "pay": 800.0},
    methods={"cart": "POST", "pay": "POST"},
    error_rates={"search": 0.1, "pay": 0.0},
    parameters={
        "search": {"q": ("boots", "hats", "a b&c"), "page": ("1", "2")},
        "item": {"id": tuple(str(number) for number in range(40))},
    },
    think_times={"item": ThinkTime(10_000.0, 30_000.0), "cart": ThinkTime(500.0, 500.0)},
)
"""Five endpoints with everything that a workflow may have, except services."""
ONE = Workflow("one", {"only": 1.0}, {}, {"only": 1.0}, {"only": 5.0})
"""One endpoint, where every session ends."""
ENDLESS = Workflow("endless", {"poll": 1.0}, {"poll": {"poll": 0.9995}}, {"poll": 0.0005}, {"poll": 5.0})
"""Most sessions would have more calls than allowed."""


def web(size: int) -> Workflow:
    """`size` endpoints, each with up to nine successors."""
    names = [f"page-{number:04}" for number in range(size)]
    steps = np.random.default_rng(size)
    transitions = {}
    for name in names:
        successors = steps.choice(names, min(9, size), replace=False).tolist()
        shares = steps.dirichlet(np.ones(len(successors))) * 0.85
        transitions[name] = dict(zip(successors, shares.tolist(), strict=True))
    return Workflow(
        name=f"web-{size}",
        entry_points=dict.fromkeys(names, 1 / size),
        transitions=transitions,
        exit_points=dict.fromkeys(names, 0.15),
        avg_response_times={name: 10.0 + number for number, name in enumerate(names)},
    )


def only(calls: Calls, chosen: npt.NDArray[np.bool_]) -> Calls:
    """The chosen calls."""
    return Calls(*(column[chosen] for column in calls.arrays))


def same(one: Calls, other: Calls) -> bool:
    """True if all arrays have equal types and bits."""
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one.arrays, other.arrays, strict=True))


def begins_of(sessions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The index at which each session begins."""
    return np.flatnonzero(np.diff(sessions, prepend=sessions[:1] - 1))


def edge_errors(chain: Chain, codes: npt.NDArray[np.uint16], lengths: npt.NDArray[np.int32]) -> tuple[float, float]:
    """The mean |learned - true| over the transitions and exits of a walk, and its expectation for independent draws."""
    size = len(chain.endpoints)
    ends = np.zeros(len(codes), bool)
    ends[lengths.cumsum() - 1] = True
    to = np.where(ends, size, np.append(codes[1:], 0))
    counts = np.bincount(codes.astype(np.int64) * (size + 1) + to, minlength=size * (size + 1)).reshape(size, size + 1)
    truth = np.zeros((size, size + 1))
    for row, endpoint in enumerate(chain.endpoints):
        truth[row, size] = chain.workflow.exit_points.get(endpoint, 0.0)
        for successor, share in chain.workflow.transitions.get(endpoint, {}).items():
            truth[row, chain.endpoints.index(successor)] = share
    n = counts.sum(axis=1, keepdims=True)
    assert not counts[truth == 0].any()
    edges = (truth > 0) & (truth < 1)
    error = np.abs(counts / n - truth)[edges].mean()
    bound = (np.sqrt(2 / np.pi) * np.sqrt(truth * (1 - truth) / n))[edges].mean()
    return float(error), float(bound)
