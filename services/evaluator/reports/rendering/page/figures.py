"""Draws intervals and bars as SVG. Widths are per cent of the place that they have, so that text keeps its size."""

from collections.abc import Callable, Iterable

from services.evaluator.reports.model import Comparison, ExpectationSummary, Rate, Report
from services.evaluator.reports.rendering.page.markup import NOTHING, Markup, element, joined
from services.evaluator.reports.wording import confidence, out_of, p_value, percent, points

_HIGH = 46
_MIDDLE = 15.0
_AXIS = 28.0

Scale = Callable[[float], float]


def figure(report: Report) -> Markup:
    """The intervals of the report: the rate of each side, then their difference."""
    sure = confidence(report.spec.alpha)
    drawn = [
        rate_figure(side.label, side.success, report.spec.threshold if place == 0 else None, sure, plain=place > 0)
        for place, side in enumerate(report.sides)
        if side.success.total
    ]
    if report.comparison is not None and report.comparison.pairs:
        drawn.insert(0, _difference(report.comparison, 0.0 if report.spec.until_sure else report.spec.margin, sure))
    return element("figure", *drawn, class_="card figure") if drawn else NOTHING


def rate_figure(
    label: str, rate: Rate, threshold: float | None, sure: str, *, plain: bool = False, what: str = "passed"
) -> Markup:
    """A rate with its interval. sure: the confidence. plain: in grey. what: what those counted did."""
    said = f"{percent(rate.value)} {what}, {out_of(rate)}"
    interval = f"{sure} interval {percent(rate.low)} to {percent(rate.high)}"
    parts = [_ticks([0, 0.25, 0.5, 0.75, 1], _share, percent)]
    if threshold is not None:
        parts.append(_upright(_share(threshold), "limit"))
        said += f", threshold {percent(threshold)}"
    parts.append(_interval(rate.low, rate.value, rate.high, _share))
    return _measure(label, said, interval, parts, "measure plain" if plain else "measure")


def _difference(found: Comparison, margin: float, sure: str) -> Markup:
    most = min(max(abs(found.low), abs(found.high), margin) * 1.2, 1.0) or 1.0

    def scale(value: float) -> float:
        return (value + most) / (2 * most) * 100

    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.5) if most / step <= 5 or step == 0.5)
    marks = [place * step for place in range(-int(most / step), int(most / step) + 1)]
    zone = scale(-margin)
    parts = [
        element("rect", x=f"{zone:.2f}%", y="0", width=f"{100 - zone:.2f}%", height=f"{_AXIS}", class_="zone"),
        _ticks(marks, scale, points),
        _upright(scale(0), "zero"),
        _upright(zone, "limit") if margin else NOTHING,
        element("text", "margin", x=f"{zone:.2f}%", y="11", dx="6", class_="name") if margin else NOTHING,
        _interval(found.low, found.difference, found.high, scale),
    ]
    interval = f"{sure} interval {points(found.low)} to {points(found.high)}, {p_value(found.p)}"
    said = (
        f"{points(found.difference)} points, {found.gained:,} gained and {found.lost:,} lost of {found.pairs:,} pairs"
    )
    return _measure("Difference", said, interval, parts, "measure")


def bar(one: ExpectationSummary) -> Markup:
    """How often an expectation is met; a line shows the baseline."""
    met = _share(one.met.value)
    parts = [
        element("rect", width="100%", height="8", rx="4", class_="missed"),
        element("rect", width=f"{met:.2f}%", height="8", rx="4", class_="met"),
    ]
    if one.baseline_met is not None and one.baseline_met.total:
        was = min(_share(one.baseline_met.value), 99.5)
        parts.append(element("rect", x=f"{was:.2f}%", y="-3", width="3", height="14", rx="1", class_="was"))
    return element("svg", *parts, class_="bar", height="8", role="img", aria_label=f"met in {out_of(one.met)}")


def _measure(label: str, said: str, interval: str, parts: Iterable[Markup], kind: str) -> Markup:
    words = element(
        "div",
        element("b", label),
        element("span", said),
        element("span", interval, class_="soft small"),
        class_="said",
    )
    drawn = element("svg", *parts, height=str(_HIGH), role="img", aria_label=f"{label}: {said}, {interval}")
    return element("div", words, drawn, class_=kind)


def _share(value: float) -> float:
    return value * 100


def _interval(low: float, value: float, high: float, scale: Scale) -> Markup:
    start, end = scale(low), scale(high)
    reach = element(
        "rect", x=f"{start:.2f}%", y=f"{_MIDDLE - 6}", width=f"{end - start:.2f}%", height="12", rx="6", class_="reach"
    )
    return joined([reach, element("circle", cx=f"{scale(value):.2f}%", cy=f"{_MIDDLE}", r="7", class_="dot")])


def _upright(x: float, kind: str) -> Markup:
    return element("line", x1=f"{x:.2f}%", x2=f"{x:.2f}%", y1="0", y2=f"{_AXIS}", class_=kind)


def _ticks(values: Iterable[float], scale: Scale, name: Callable[[float], str]) -> Markup:
    drawn = [element("line", x1="0", x2="100%", y1=f"{_AXIS}", y2=f"{_AXIS}", class_="axis")]
    for value in values:
        x = scale(value)
        anchor = "start" if x < 3 else "end" if x > 97 else "middle"
        drawn.append(element("text", name(value), x=f"{x:.2f}%", y=f"{_AXIS + 16}", text_anchor=anchor))
    return joined(drawn)
