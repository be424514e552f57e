"""A chain as a heat map: a row for the entries and each endpoint, a column for each endpoint and the exit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.testdata.traces.certificate import Certificate, EdgeError
from services.testdata.traces.picture.svg import (
    BAD,
    EMPTY,
    FAINT,
    INK,
    MUTED,
    line,
    on_shade,
    rectangle,
    shade,
    shortened,
    tag,
    text,
    tooltip,
    width,
)
from services.testdata.traces.recovery import Edge, Row
from services.testdata.traces.verdict import percent

MOST = 40
"""The most endpoints that are shown."""
_LEGIBLE = 17
"""The least size of a cell with a number, in pixels."""
_LABEL = 20


@dataclass(frozen=True, slots=True)
class Grid:
    """The layout of both maps.

    endpoints: those shown, in the order in which sessions reach them.
    cell: size in pixels. names: pixels beside the maps for row names. heads: pixels above them for column names.
    """

    endpoints: tuple[str, ...]
    cell: float
    names: float
    heads: float

    @property
    def side(self) -> float:
        """The width and height of a map."""
        return self.cell * (len(self.endpoints) + 1)


def grid(truth: Mapping[str, Row], counts: Mapping[str, int], most_wide: float) -> Grid:
    """A grid for the most called endpoints, in two maps with this total width at most."""
    called = sorted((one for one in truth if one), key=lambda one: -counts.get(one, 0))[:MOST]
    shown = tuple(one for one in _in_order(truth) if one in set(called))
    names = max(width(shortened(one, _LABEL), 11) for one in shown) + 12
    cell = min(26.0, (most_wide - names) / 2 / (len(shown) + 1))
    return Grid(shown, cell, names, names * 0.75)


def _in_order(truth: Mapping[str, Row]) -> list[str]:
    """The endpoints in the order in which sessions reach them, more probable ones first; unreachable ones last."""
    order = [""]
    for start in order:
        order += [to for to in sorted(truth.get(start, {}), key=lambda to: -truth[start][to]) if to not in order]
    order += [one for one in truth if one not in order]
    return [one for one in order if one]


def heat_map(x: float, y: float, shape: Grid, heading: str, cells: Mapping[Edge, EdgeError], learned: bool) -> str:
    """One map with its upper left cell at x, y. cells: the edges for colours and tooltips."""
    rows, columns = ("", *shape.endpoints), (*shape.endpoints, "")
    drawn = [
        text(x, y - shape.heads - 12, heading, 14, font_weight="600"),
        rectangle(x, y, shape.side, shape.side, EMPTY),
    ]
    for index, to in enumerate(columns):
        drawn.append(_head(x + (index + 0.65) * shape.cell, y - 5, to or "exit", shape.cell))
    for down, start in enumerate(rows):
        for across, to in enumerate(columns):
            if (edge := cells.get((start, to))) is not None:
                drawn.append(_cell(x + across * shape.cell, y + down * shape.cell, shape.cell, edge, learned))
    for index in range(len(rows) + 1):
        drawn.append(line(x, y + index * shape.cell, x + shape.side, y + index * shape.cell, FAINT, 0.5))
        drawn.append(line(x + index * shape.cell, y, x + index * shape.cell, y + shape.side, FAINT, 0.5))
    if learned:
        drawn += _outlines(x, y, shape, rows, columns, cells)
    return tag("g", *drawn)


def _head(x: float, y: float, name: str, cell: float) -> str:
    shown = shortened(name, _LABEL)
    return text(
        0,
        0,
        shown,
        min(11, cell * 0.85),
        INK if name != "exit" else MUTED,
        transform=f"translate({x:.1f} {y:.1f}) rotate(-45)",
    )


def _cell(x: float, y: float, size: float, edge: EdgeError, learned: bool) -> str:
    probability = edge.learned if learned else edge.truth
    if not probability:
        return ""
    told = f"{edge}: true {percent(edge.truth, 2)}, learned {percent(edge.learned, 2)}, seen {edge.count:,} times"
    drawn = rectangle(x, y, size, size, shade(probability), tooltip(told))
    if size < _LEGIBLE:
        return drawn
    number = f"{probability * 100:.0f}" if probability >= 0.01 else "<1"
    middle = {"text_anchor": "middle", "pointer_events": "none"}
    return drawn + text(x + size / 2, y + size / 2 + 3.5, number, 10, on_shade(probability), **middle)


def _outlines(
    x: float, y: float, shape: Grid, rows: Sequence[str], columns: Sequence[str], cells: Mapping[Edge, EdgeError]
) -> list[str]:
    """Frames around impossible edges, drawn last."""
    return [
        rectangle(
            x + across * shape.cell, y + down * shape.cell, shape.cell, shape.cell, "none", stroke=BAD, stroke_width=2
        )
        for down, start in enumerate(rows)
        for across, to in enumerate(columns)
        if (edge := cells.get((start, to))) is not None and not edge.truth
    ]


def row_names(x: float, y: float, shape: Grid) -> str:
    """The row names, right-aligned at x."""
    named = []
    for index, name in enumerate(("entry", *shape.endpoints)):
        fill = INK if index else MUTED
        place = y + (index + 0.5) * shape.cell + 4
        named.append(text(x - 7, place, shortened(name, _LABEL), min(11, shape.cell * 0.85), fill, text_anchor="end"))
    return tag("g", *named)


def row_marks(x: float, y: float, shape: Grid, certificate: Certificate) -> str:
    """Marks beside the learned map: rejected rows, and hatched rows without calls."""
    marks = []
    rejected = {row.endpoint: row.p_value for row in certificate.rejected}
    for index, name in enumerate(("", *shape.endpoints)):
        top = y + index * shape.cell
        if name in rejected:
            told = tooltip(f"p = {rejected[name]:.1e}")
            triangle = f"M{x + 4:.1f} {top + shape.cell / 2:.1f}l9 -5v10Z"
            marks.append(tag("path", told, d=triangle, fill=BAD))
        if name in certificate.unseen:
            marks.append(rectangle(x - shape.side, top, shape.side, shape.cell, "url(#never)"))
    return tag("g", *marks)


def scale(x: float, y: float, high: float) -> str:
    """The legend of the colours, from 1 at the top to 0."""
    steps = 60
    drawn = [
        rectangle(x, y + high * index / steps, 12, high / steps + 0.5, shade(1 - index / (steps - 1)))
        for index in range(steps)
    ]
    for mark in (1.0, 0.75, 0.5, 0.25, 0.1, 0.01):
        place = y + (1 - mark) * high
        drawn += [line(x + 12, place, x + 16, place, MUTED), text(x + 20, place + 3.5, percent(mark, 0), 10, MUTED)]
    return tag("g", *drawn)
