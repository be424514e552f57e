"""A calibration as one HTML page, with a row for each measure: the band of the floor, the interval, the distance."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from services.evaluator.calibrations.model import Compared, Estimate, Finding, Group
from services.evaluator.calibrations.rendering.wording import (
    SIGN,
    between,
    declared,
    farthest,
    headline,
    name_of,
    notes,
    number,
    short,
    signed,
    way,
)
from services.evaluator.calibrations.talk import MEANS
from services.evaluator.reports.rendering.page.document import document
from services.evaluator.reports.rendering.page.markup import NOTHING, Markup, element, joined

_HIGH, _MIDDLE = 26, 13
_TICKS = (0, 0.25, 0.5, 0.75, 1)


def page(finding: Finding) -> str:
    """The calibration as an HTML document."""
    every, *each = finding.result.groups
    accent = "open" if every.differs else "good"
    title = "Farther than people are from each other" if every.differs else "As near as people are to each other"
    return document(
        f"Calibration · {every.distance.value:.3f} from people",
        accent,
        _top(finding, title),
        _figure((name_of(one), _of_group(one), one.distance, one.floor) for one in finding.result.groups),
        element("h2", "All personas, measure by measure"),
        _measures(every),
        _traits(finding.result.groups),
        element("h2", "Each persona") if each else NOTHING,
        *(_persona(one) for one in each),
        element("h2", "How to read this"),
        element("div", element("ul", *(element("li", note) for note in notes(finding)), class_="notes"), class_="card"),
        _bottom(finding),
    )


def _top(finding: Finding, title: str) -> Markup:
    result = finding.result
    counts = f"{result.people:,} conversations of people, {result.personas:,} of personas"
    return element(
        "header",
        element("p", f"Calibration of personas: {counts}", class_="eyebrow"),
        element("h1", title),
        element("p", headline(finding), class_="lead"),
    )


def _of_group(group: Group) -> str:
    most = ", ".join(f"{short(one)} {way(one)}" for one in farthest(group)[:3])
    return f"{group.conversations:,} conversations" + (f" · {most}" if most else "")


def _measures(group: Group) -> Markup:
    return _figure((MEANS[one.measure], _means(one), one.distance, one.floor) for one in group.measures)


def _means(one: Compared) -> str:
    return f"people {number(one.people)}, personas {number(one.personas)} · {way(one)}"


def _figure(rows: Iterable[tuple[str, str, Estimate, Estimate]]) -> Markup:
    """Rows of (name, what is said of it, distance, floor) over one scale from 0 to 1."""
    drawn = [_row(*row) for row in rows]
    legend = element(
        "p",
        "The dot is the distance from people, the bar its interval; the grey band is the floor, one half of the people "
        "beside the other.",
        class_="soft small",
    )
    return element("figure", *drawn, _axis(), legend, class_="card figure distances")


def _row(name: str, said: str, distance: Estimate, floor: Estimate) -> Markup:
    words = element("div", element("b", name), element("span", said, class_="soft small"), class_="said")
    start, end = distance.low * 100, distance.high * 100
    parts = [
        *(_upright(tick * 100, "axis") for tick in _TICKS),
        _box(floor.low * 100, floor.high * 100, _HIGH - 4, "band"),
        _box(start, end, 10, "reach"),
        element("circle", cx=f"{distance.value * 100:.2f}%", cy=f"{_MIDDLE}", r="6", class_="dot"),
    ]
    label = f"{name}: distance {distance.value:.3f}, {between(distance)}, floor {between(floor)}"
    drawn = element("svg", *parts, height=f"{_HIGH}", role="img", aria_label=label)
    kind = "distance" if distance.value > floor.high else "distance plain"
    return element("div", words, drawn, element("span", f"{distance.value:.2f}", class_="number small"), class_=kind)


def _box(start: float, end: float, high: int, kind: str) -> Markup:
    width, top = max(end - start, 0.4), (_HIGH - high) / 2
    return element(
        "rect", x=f"{start:.2f}%", y=f"{top:g}", width=f"{width:.2f}%", height=f"{high}", rx="4", class_=kind
    )


def _upright(x: float, kind: str) -> Markup:
    return element("line", x1=f"{x:.2f}%", x2=f"{x:.2f}%", y1="0", y2=f"{_HIGH}", class_=kind)


def _axis() -> Markup:
    ticks = (
        element(
            "text",
            f"{tick:g}",
            x=f"{tick * 100:g}%",
            y="12",
            text_anchor="start" if tick == 0 else "end" if tick == 1 else "middle",
        )
        for tick in _TICKS
    )
    return element("div", element("span"), element("svg", *ticks, height="14"), element("span"), class_="distance")


def _traits(groups: Sequence[Group]) -> Markup:
    rows = [_trait(group, place) for group in groups for place in range(len(group.traits))]
    if not rows:
        return NOTHING
    heads = ("Persona", "Declared trait", "Should be", "Shift", "Shown")
    head = element("tr", *(element("th", one, scope="col") for one in heads))
    table = element("table", element("thead", head), element("tbody", *rows))
    wide = element("div", table, class_="wide")
    return joined([element("h2", "Declared traits"), element("div", wide, class_="card")])


def _trait(group: Group, place: int) -> Markup:
    one = group.traits[place]
    shift = next(each.shift for each in group.measures if each.measure == one.measure)
    reach = f"{signed(shift.value)} ({signed(shift.low)} to {signed(shift.high)})"
    cells = [element("td", one.trait), element("td", declared(one)), element("td", reach, class_="number")]
    cells.append(element("td", SIGN[one.shown]))
    return element("tr", element("th", name_of(group), scope="row"), *cells)


def _persona(group: Group) -> Markup:
    said = f"{name_of(group)}: {group.distance.value:.3f}, floor {between(group.floor)}"
    return element("section", element("details", element("summary", said), _measures(group)), class_="card")


def _bottom(finding: Finding) -> Markup:
    made = f"{datetime.fromtimestamp(finding.create_time / 1000, UTC):%-d %B %Y, %H:%M} UTC"
    return element("footer", element("span", ", ".join(filter(None, (finding.name, made, f"by {finding.creator}")))))
