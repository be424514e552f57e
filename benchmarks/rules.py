"""What a rule over a million rows costs, beside the same by hand in NumPy.

Both take turns on one core, over the same arrays, and must agree on every row.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np

from benchmarks.contest import CORE
from benchmarks.results import gates, limited, report
from benchmarks.ways.rules import RULES, SCHEMA, Hand, Verdict, orders
from shared.rules.checker import Compiled, check
from shared.rules.evaluation import evaluate
from shared.rules.tables import Table

TOPIC = "rules"


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    os.sched_setaffinity(0, {CORE})
    table = orders(size["rows"], seed=1)
    hand = Hand(table)
    rules = [(_rule(text), by_hand) for text, by_hand in RULES]
    for rule, by_hand in rules:
        _agree(rule, table, by_hand(hand))
    taken: dict[str, list[tuple[float, float]]] = {rule.source: [] for rule, _ in rules}
    for _ in range(size["rounds"]):
        # A table keeps what it learns about its columns, so the rules share a new one, as those of a business do.
        new = _fresh(table)
        for rule, by_hand in rules:
            taken[rule.source].append((_cost(evaluate, rule, new), _cost(by_hand, hand)))
    ratios = {text: median(ours / other for ours, other in costs) for text, costs in taken.items()}
    for text, costs in taken.items():
        ours, other = (median(some) * 1000 for some in zip(*costs, strict=True))
        print(f"{text}: {ours:.1f} ms, by hand {other:.1f} ms, {ratios[text]:.2f}")
    return report(TOPIC, [limited(gate["time"], "", [max(ratios.values())], samples={"rules": [*ratios.values()]})])


def _rule(text: str) -> Compiled:
    rule = check(text, SCHEMA, "order")
    assert isinstance(rule, Compiled), [str(problem) for problem in rule]
    return rule


def _agree(rule: Compiled, table: Table, by_hand: Verdict) -> None:
    held = evaluate(rule, table)
    theirs, known = by_hand
    assert np.array_equal(held.held, theirs), rule.source
    assert np.array_equal(held.known, np.ones_like(theirs) if known is None else known), rule.source


def _fresh(table: Table) -> Table:
    """The same arrays in a table that has not looked at them yet."""
    return replace(
        table,
        columns={name: replace(column) for name, column in table.columns.items()},
        children={name: replace(some, table=_fresh(some.table)) for name, some in table.children.items()},
        parents={name: replace(some, table=_fresh(some.table)) for name, some in table.parents.items()},
    )


def _cost(work: Callable[..., Any], *given: Any) -> float:
    """Seconds of processor time."""
    start = time.process_time()
    work(*given)
    return time.process_time() - start
