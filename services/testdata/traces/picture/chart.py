"""A chart of the error by number of calls, on logarithmic axes, with the error expected by chance."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.testdata.traces.certificate import Certificate
from services.testdata.traces.picture.svg import INK, MUTED, PAPER, line, path, tag, text, tooltip
from services.testdata.traces.verdict import percent

_SURE = 1.96
"""Standard deviations on each side for 95 % of independent draws."""
_BAND, _BOUND = "#d6e8f0", "#225ea8"
_HEADING = "Mean error over the edges, by calls learned from"


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis from `low` to `high`, drawn from pixel `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def position(self, value: float) -> float:
        """The pixel of a value, clamped to the axis."""
        value = min(self.high, max(self.low, value))
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def marks(self) -> Iterator[float]:
        """1, 2 and 5 times each power of ten; only the powers if there are many."""
        tens = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = (1, 2, 5) if len(tens) < 5 else (1,)
        for ten in tens:
            yield from (step * 10.0**ten for step in steps if self.low <= step * 10.0**ten <= self.high)


def chart(x: float, y: float, wide: float, high: float, certificate: Certificate) -> str:
    """The chart with its upper left corner at x, y, and its heading above."""
    heading = text(x, y - 14, _HEADING, 14, font_weight="600")
    last, calls = certificate.deviation, certificate.call_count
    if not calls or not last.bound:
        return heading + text(x, y + 20, "Nothing to show: no edge that was seen is left to chance.", 12, MUTED)
    points = [(at, then.error) for at, then in certificate.curve if at < calls and then.error]
    points += [(calls, last.error)] if last.error else []
    across = _Axis(min([calls / 4, *(at for at, _ in points)]) * 0.8, calls * 1.25, x, x + wide)

    def bound(at: float, deviations: float = 0.0) -> float:
        return max(1e-12, (last.bound + deviations * last.spread) * math.sqrt(calls / at))

    values = [error for _, error in points] + [bound(across.low, _SURE), bound(across.high, -_SURE)]
    down = _Axis(max(min(values), max(values) / 1e4) * 0.8, max(values) * 1.2, y + high, y)
    parts = (heading, _grid(across, down), _curve(across, down, bound), _points(across, down, points, bound))
    return tag("g", *parts, _legend(x + wide, y + 16))


def _grid(across: _Axis, down: _Axis) -> str:
    drawn = []
    for mark in down.marks():
        y = down.position(mark)
        drawn += [line(across.start, y, across.end, y)]
        drawn += [text(across.start - 8, y + 4, f"{mark * 100:.6g} %", 11, MUTED, text_anchor="end")]
    for mark in across.marks():
        x = across.position(mark)
        drawn += [line(x, down.start, x, down.end)]
        drawn += [text(x, down.start + 18, _short(mark), 11, MUTED, text_anchor="middle")]
    drawn.append(line(across.start, down.start, across.end, down.start, MUTED))
    drawn.append(line(across.start, down.start, across.start, down.end, MUTED))
    middle = (across.start + across.end) / 2
    drawn.append(text(middle, down.start + 36, "calls", 11, MUTED, text_anchor="middle"))
    return tag("g", *drawn)


def _curve(across: _Axis, down: _Axis, bound: Callable[..., float]) -> str:
    places = [across.low * (across.high / across.low) ** (step / 40) for step in range(41)]

    def edge(deviations: float) -> list[tuple[float, float]]:
        return [(across.position(at), down.position(bound(at, deviations))) for at in places]

    band = path([*edge(_SURE), *reversed(edge(-_SURE))], close=True, fill=_BAND)
    return band + path(edge(0.0), fill="none", stroke=_BOUND, stroke_width=2, stroke_dasharray="7 4")


def _points(across: _Axis, down: _Axis, points: list[tuple[int, float]], bound: Callable[..., float]) -> str:
    if not points:
        return ""
    places = [(across.position(at), down.position(error)) for at, error in points]
    drawn = [path(places, fill="none", stroke=INK, stroke_width=1.5)]
    for (x, y), (at, error) in zip(places, points, strict=True):
        told = tooltip(f"{at:,} calls: {percent(error)}")
        drawn.append(tag("circle", told, cx=x, cy=y, r=4, fill=INK, stroke=PAPER, stroke_width=1.5))
    x, y = places[-1]
    beside = -14 if points[-1][1] > bound(points[-1][0]) else 22
    drawn.append(text(x + 4, y + beside, percent(points[-1][1], 2), 12, text_anchor="end", font_weight="600"))
    return tag("g", *drawn)


def _legend(right: float, top: float) -> str:
    x = right - 196
    return tag(
        "g",
        tag("rect", x=x - 10, y=top - 14, width=206, height=60, fill=PAPER, fill_opacity=0.85),
        line(x, top, x + 26, top, INK, 1.5) + tag("circle", cx=x + 13, cy=top, r=4, fill=INK),
        text(x + 34, top + 4, "learned from this log", 11),
        path([(x, top + 18), (x + 26, top + 18)], stroke=_BOUND, stroke_width=2, stroke_dasharray="7 4"),
        text(x + 34, top + 22, "chance alone, on average", 11),
        tag("rect", x=x, y=top + 30, width=26, height=11, fill=_BAND),
        text(x + 34, top + 40, "chance alone, 95 % of logs", 11),
    )


def _short(number: float) -> str:
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"
