"""greenroom traces compare"""

import json as jsons
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli.kit.names import named
from cli.kit.render import Rows, console, facts, print_document
from cli.kit.run import FAILED, OK
from cli.traces.options import chain, workflow_source
from greenroom.client import Client
from greenroom.testdata.v1.trace_certificate_pb2 import Certificate, EdgeError
from shared.plain import visible

_SHOWN = 6
"""The most impossible edges, and the most rows, that are shown."""


async def compare(
    client: Client,
    truth: Annotated[str, chain("The truth: workflows/…, the beginning or end of what follows, or a YAML file.")],
    learning: Annotated[str, named("learnings")],
    picture: Annotated[Path | None, typer.Option(help="Write a picture of it to this SVG file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the certificate as a JSON document.")] = False,
) -> int:
    """Issue the recovery certificate: whether a learned workflow equals the true one. Exit status 1 if not."""
    found = await client.traces.compare(workflow_source(truth), learning)
    if picture is not None:
        picture.write_bytes(found.picture)
    if json:
        print_document(visible(found.json) + "\n")
    else:
        _print(found.certificate, jsons.loads(found.json)["ratio_spread"])
        if picture is not None:
            console(stderr=True).print(f"The picture is in {picture}.", soft_wrap=True)
    return OK if found.certificate.recovered else FAILED


def _print(found: Certificate, spread: float) -> None:
    out = console()
    out.print(Text(found.verdict, "bold green" if found.recovered else "bold red"))
    rows: list[tuple[str, str | Text]] = [
        ("learned from", f"{found.call_count:,} calls in {found.session_count:,} sessions"),
        ("mean error", f"{_percent(found.mean_error_edges)} over {found.edge_count:,} edges"),
        ("chance alone", _percent(found.bound)),
        ("ratio", f"{found.ratio_to_bound:.2f}; by chance 1 ± {spread:.2f}" if found.bound else ""),
        ("all cells", f"{_percent(found.mean_error_cells)} over {found.cell_count:,} cells"),
        ("worst edge", _edge(found.worst_edge) if found.HasField("worst_edge") else ""),
        ("impossible", "; ".join(_edge(edge) for edge in found.impossible_edges[:_SHOWN])),
        ("latencies", _latencies(found)),
        ("faults", _faults(found)),
    ]
    out.print(facts(*rows))
    _print_rows(found)


def _print_rows(found: Certificate) -> None:
    rows = Rows("ROW", "CALLS", "G", "DF", "P", "", leave_out=["DF", "G", "CALLS"])
    least = sorted(found.rows, key=lambda row: row.p_value)[:_SHOWN]
    for row in least:
        against = Text("against the truth", "red") if row.p_value < found.bonferroni_limit else ""
        p = f"{row.p_value:.2g}"
        rows.add(row.endpoint or "entry", f"{row.count:,}", f"{row.g:.2f}", str(row.degrees_of_freedom), p, against)
    console().print()
    console().print(rows)
    limit = f"p below {found.bonferroni_limit:.2g} speaks against the truth"
    console().print(f"The {len(least)} least likely of {len(found.rows):,} rows; {limit}.")


def _edge(edge: EdgeError) -> str:
    start = getattr(edge, "from") or "entry"
    return (
        f"{start} → {edge.to or 'exit'}, true {edge.truth:.4f}, learned {edge.learned:.4f}, seen {edge.count:,} times"
    )


def _latencies(found: Certificate) -> str:
    if not found.latencies:
        return ""
    distances = [one.relative_distance for one in found.latencies]
    worst = max(found.latencies, key=lambda one: one.relative_distance)
    mean = _percent(sum(distances) / len(distances), 1)
    return f"quantiles off by {mean} on average, {worst.endpoint} the most by {_percent(worst.relative_distance, 1)}"


def _faults(found: Certificate) -> str:
    if not found.HasField("fault_detection"):
        return ""
    told = found.fault_detection
    return f"{told.faults:,}, told with precision {told.precision:.2f} and recall {told.recall:.2f}"


def _percent(share: float, digits: int = 3) -> str:
    return f"{share * 100:.{digits}f} %"
