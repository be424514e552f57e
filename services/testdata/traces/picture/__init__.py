"""A certificate as a picture (SVG): heat maps of the true and the learned chain, a chart of the error, and numbers."""

from collections.abc import Mapping
from html import escape

from services.testdata.traces.certificate import Certificate, EdgeError
from services.testdata.traces.picture.chart import chart
from services.testdata.traces.picture.heatmap import grid, heat_map, row_marks, row_names, scale
from services.testdata.traces.picture.svg import (
    BAD,
    GOOD,
    INK,
    MUTED,
    PAPER,
    line,
    rectangle,
    shortened,
    tag,
    text,
    width,
    wrapped,
)
from services.testdata.traces.recovery import Edge, Row, true_rows
from services.testdata.traces.verdict import percent, verdict
from services.testdata.traces.workflow import Workflow

_WIDE, _MARGIN, _BETWEEN, _SCALE = 1180.0, 40.0, 46.0, 74.0
_CHART = 260.0
_FACTS = 680.0
"""The x of the numbers."""
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"
_HATCH = (
    '<defs><pattern id="never" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#f6f8fa"/><line y2="6" stroke="#afb8c1" stroke-width="2"/></pattern></defs>'
)


def picture(truth: Workflow, certificate: Certificate) -> bytes:
    """The picture. It needs no font, script or other file, and has a title and a description for screen readers."""
    head, y = _head(certificate)
    rows = true_rows(truth)
    shape = grid(rows, {row.endpoint: row.count for row in certificate.rows}, _WIDE - 2 * _MARGIN - _BETWEEN - _SCALE)
    cells = {(edge.start, edge.to): edge for edge in certificate.edges}
    left, top = _MARGIN + shape.names, y + shape.heads + 34
    right = left + shape.side + _BETWEEN
    maps = tag(
        "g",
        row_names(left, top, shape),
        heat_map(left, top, shape, "True", {**_true_edges(rows), **cells}, learned=False),
        heat_map(right, top, shape, "Learned", cells, learned=True),
        row_marks(right + shape.side, top, shape, certificate),
        scale(right + shape.side + 26, top, min(180.0, shape.side)),
    )
    notes = _notes(left, top + shape.side + 24, len(rows) - 1 - len(shape.endpoints), certificate)
    below = top + shape.side + 84
    drawn = chart(_MARGIN + 56, below, _FACTS - _MARGIN - 110, _CHART, certificate)
    return _document(certificate, below + _CHART + 56, head, maps, notes, drawn, _facts(_FACTS, below, certificate))


def _document(certificate: Certificate, high: float, *parts: str) -> bytes:
    title = f"Recovery certificate of {certificate.truth}"
    described = (
        f"{verdict(certificate)} Two heat maps show the true and the learned probability of each transition, entry and "
        "exit; a chart shows the mean error against the number of calls, beside what chance alone would make of it."
    )
    opened = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE:.0f} {high:.0f}" width="{_WIDE:.0f}" '
        f'height="{high:.0f}" role="img" aria-labelledby="title desc" font-family="{_FONT}">'
    )
    said = f'<title id="title">{escape(title)}</title><desc id="desc">{escape(described)}</desc>'
    return f"{opened}{said}{_HATCH}{rectangle(0, 0, _WIDE, high, PAPER)}{''.join(parts)}</svg>\n".encode()


def _head(certificate: Certificate) -> tuple[str, float]:
    """The title and the verdict, and the y of their end."""
    recovered = certificate.recovered
    word = "✓ Recovered" if recovered else "✗ Not recovered"
    wide = width(word, 13) + 40
    drawn = [
        text(_MARGIN, 50, certificate.truth, 24, font_weight="600"),
        text(_MARGIN, 24, "RECOVERY CERTIFICATE", 11, MUTED, letter_spacing=1.5),
        rectangle(_WIDE - _MARGIN - wide, 26, wide, 30, GOOD if recovered else BAD, rx=15),
        text(_WIDE - _MARGIN - wide / 2, 46, word, 13, PAPER, text_anchor="middle", font_weight="600"),
    ]
    y = 76.0
    for each in wrapped(verdict(certificate), 13, _WIDE - 2 * _MARGIN):
        drawn.append(text(_MARGIN, y, each, 13, MUTED))
        y += 19
    return tag("g", *drawn), y


def _true_edges(rows: Mapping[str, Row]) -> dict[Edge, EdgeError]:
    """The edges of the truth with count 0."""
    return {
        (start, to): EdgeError(start, to, probability, 0.0, 0)
        for start, row in rows.items()
        for to, probability in row.items()
    }


def _notes(x: float, y: float, left_out: int, certificate: Certificate) -> str:
    """The legend of the marks that occur."""
    said = ["Per cent; a row is where a call was, a column where the session went next."]
    if certificate.impossible_edges:
        said.append("Framed: seen, but impossible.")
    if certificate.rejected:
        said.append("◀ A row that speaks against the truth.")
    if certificate.unseen:
        said.append("Hatched: never called.")
    if left_out:
        said.append(f"{left_out:,} endpoints called less are not shown.")
    return text(x, y, "  ".join(said), 11, MUTED)


def _facts(x: float, y: float, certificate: Certificate) -> str:
    drawn = [text(x, y - 14, "In numbers", 14, font_weight="600")]
    for name, value, speaks_against in _numbers(certificate):
        drawn.append(text(x, y + 12, name, 12, MUTED))
        style = {"font_weight": "600"} if speaks_against else {}
        drawn.append(
            text(_WIDE - _MARGIN, y + 12, value, 12, BAD if speaks_against else INK, text_anchor="end", **style)
        )
        drawn.append(line(x, y + 20, _WIDE - _MARGIN, y + 20))
        y += 27
    return tag("g", *drawn)


def _numbers(certificate: Certificate) -> list[tuple[str, str, bool]]:
    """Name, value, and whether it contradicts the truth."""
    found, worst, told = certificate.deviation, certificate.worst_edge, certificate.detection
    spread = found.spread / found.bound if found.bound else 0.0
    numbers = [
        ("Learned from", f"{certificate.call_count:,} calls in {certificate.session_count:,} sessions", False),
        ("Mean error over the edges", f"{percent(found.error)} over {found.edges:,} edges", False),
        ("Chance alone", percent(found.bound), False),
        ("Error in times chance", f"{found.ratio:.2f}, expected 1 ± {spread:.2f}", False),
        ("Mean error over all cells", percent(found.cell_error), False),
    ]
    if worst:
        numbers.append(("Off the most", f"{shortened(str(worst), 34)}, {percent(worst.error, 2)}", False))
    impossible, rejected = len(certificate.impossible_edges), len(certificate.rejected)
    numbers.append(("Impossible edges seen", f"{impossible:,}", impossible > 0))
    numbers.append(("Rows against the truth", f"{rejected:,} of {len(certificate.rows):,}", rejected > 0))
    if off := list(certificate.latencies.values()):
        numbers.append(("Latency quantiles are off by", f"{percent(sum(off) / len(off), 1)} on average", False))
    if told:
        scores = f"precision {told.precision:.2f}, recall {told.recall:.2f}"
        numbers.append(("Faults told by a simple detector", scores, False))
    return numbers
