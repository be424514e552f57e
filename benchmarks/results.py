"""What a benchmark says: rows with a gate each, printed as a table and kept with their raw samples."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from shared import yaml

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True)
class Result:
    """One claim, measured.

    ours, theirs: medians, in unit. ratio: ours to theirs; the gate is held against it, or against ours when there is no
    other way. samples: everything that was measured, so that `held` can be recomputed.
    """

    claim: str
    unit: str
    ours: float
    theirs: float | None
    ratio: float | None
    gate: float
    held: bool
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)


@cache
def gates(topic: str) -> Mapping[str, Any]:
    """The gates and workloads of a topic, from gates.yaml."""
    text = (Path(__file__).parent / "gates.yaml").read_text()
    return dict(yaml.load(text, "gates.yaml")[topic])


def report(topic: str, results: Sequence[Result]) -> bool:
    """Print the results as a table, keep them in out/, and say whether every gate held."""
    OUT.mkdir(exist_ok=True)
    (OUT / f"{topic}.json").write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    table = Table("claim", "ours", "other way", "ratio", "gate", "held", title=topic)
    for result in results:
        theirs = "" if result.theirs is None else f"{result.theirs:,.1f}"
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        held = "yes" if result.held else "NO"
        ours = f"{result.ours:,.1f} {result.unit}"
        table.add_row(result.claim, ours, theirs, ratio, f"{result.gate:g}", held)
    Console(width=140).print(table)
    return all(result.held for result in results)
