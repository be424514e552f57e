"""The results of a benchmark: one row per gate, printed as a table and saved with the raw samples."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from shared.yaml import load_file

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True)
class Result:
    """One measured claim.

    ours, theirs: medians, in unit. ratio: ours divided by theirs. The gate applies to the ratio, or to ours if there is
    no ratio. samples: all measurements, so that `held` can be recomputed.
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
    """The median ratio of ours to another way over the rounds must reach the gate.

    row: claim and gate, from gates.yaml. samples: further measurements to save.
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
    """The median of ours must not exceed the gate.

    row: claim and gate, from gates.yaml. beside: measurements of the other way, shown without a gate. samples: further
    measurements to save.
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


def reached(
    row: Mapping[str, Any],
    unit: str,
    ours: Sequence[float],
    beside: Sequence[float] = (),
    samples: Mapping[str, Sequence[float]] | None = None,
) -> Result:
    """The median of ours must reach the gate.

    row: claim and gate, from gates.yaml. beside: measurements of the other way, shown without a gate. samples: further
    measurements to save.
    """
    return Result(
        claim=row["claim"],
        unit=unit,
        ours=median(ours),
        theirs=median(beside) if beside else None,
        ratio=None,
        gate=row["gate"],
        held=median(ours) >= row["gate"],
        samples={"ours": ours, "theirs": beside, **(samples or {})},
    )


@cache
def gates(topic: str) -> Mapping[str, Any]:
    """Return the gates and workloads of a topic from gates.yaml."""
    return dict(load_file(Path(__file__).with_name("gates.yaml"))[topic])


def report(topic: str, results: Sequence[Result]) -> bool:
    """Print the results as a table, save them in out/, and return whether every gate held."""
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
    """Format with three significant digits, or as a whole number from 1,000."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
