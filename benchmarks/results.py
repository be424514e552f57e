"""What a benchmark says: rows with a gate each, printed as a table and kept with their raw samples."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
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


def compared(
    row: Mapping[str, Any],
    unit: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    samples: Mapping[str, Sequence[float]] | None = None,
) -> Result:
    """A claim about a ratio to another way that took turns with ours: its median over the rounds is held to the gate.

    row: claim and gate, from gates.yaml. samples: what else was measured.
    """
    ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    return Result(
        claim=row["claim"],
        unit=unit,
        ours=median(ours),
        theirs=median(theirs),
        ratio=ratio,
        gate=row["gate"],
        held=ratio >= row["gate"],
        samples={"ours": ours, "theirs": theirs, **(samples or {})},
    )


def limited(
    row: Mapping[str, Any],
    unit: str,
    ours: Sequence[float],
    beside: Sequence[float] = (),
    samples: Mapping[str, Sequence[float]] | None = None,
) -> Result:
    """A claim about a number that must not be above its gate: the median of ours.

    row: claim and gate, from gates.yaml. beside: the same, measured where there is nothing to claim. samples: what else
    was measured.
    """
    return Result(
        claim=row["claim"],
        unit=unit,
        ours=median(ours),
        theirs=median(beside) if beside else None,
        ratio=None,
        gate=row["gate"],
        held=median(ours) <= row["gate"],
        samples={"ours": ours, "theirs": beside, **(samples or {})},
    )


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
        theirs = "" if result.theirs is None else _number(result.theirs)
        ratio = "" if result.ratio is None else _number(result.ratio)
        held = "yes" if result.held else "NO"
        ours = f"{_number(result.ours)} {result.unit}"
        table.add_row(result.claim, ours, theirs, ratio, f"{result.gate:g}", held)
    Console(width=140).print(table)
    return all(result.held for result in results)


def _number(value: float) -> str:
    """Three digits of it, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
