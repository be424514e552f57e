"""The graph of a campaign with its coverage, as SVG."""

from itertools import pairwise

from services.evaluator.checks.model import Severity
from services.evaluator.reports.campaigns.facts import Facts
from services.evaluator.reports.campaigns.layout import Box, Layout, Way, layout
from services.evaluator.reports.campaigns.model import CampaignReport
from services.evaluator.reports.rendering.page.markup import NOTHING, Markup, element, joined
from services.evaluator.reports.rendering.page.tables import card
from shared.model.campaigns.model import (
    Campaign,
    Condition,
    Delay,
    Exit,
    Goal,
    SendEmail,
    SendSms,
    Split,
    Step,
    UpdateContact,
    WaitForReply,
    Webhook,
)
from shared.model.campaigns.times import write_duration, write_time

MOST = 150
"""The most steps that are drawn."""
_WIDE, _HEAD, _WAYS, _EDGE = 190.0, 46.0, 24.0, 12.0
_LETTER = 6.3
"""About the width of a letter of 11 pixels."""
_LONG = 24
"""The most letters of a name."""


def graph(report: CampaignReport, facts: Facts) -> Markup:
    """The section with the graph."""
    steps = _drawn(report.campaign, facts)
    if not steps:
        return NOTHING
    boxes = {step.id: _box(step, steps) for step in steps.values()}
    placed = layout(boxes, report.campaign.first)
    most = max([times.total() for times in report.coverage.times.values()], default=0)
    parts = [_way(report, way, steps, most) for way in placed.ways]
    wrong = {issue.step for issue in report.issues if issue.severity is Severity.ERROR}
    parts += [_node(step, boxes[step.id], placed, facts, step.id in wrong) for step in steps.values()]
    parts += [_label(report, way, steps) for way in placed.ways if len(steps[way.source].edges) > 1]
    size = f"{-_EDGE} {-_EDGE} {placed.width + 2 * _EDGE:.0f} {placed.height + 2 * _EDGE + 16:.0f}"
    svg = element(
        "svg",
        *parts,
        viewBox=size,
        width=f"{placed.width + 2 * _EDGE:.0f}",
        class_="graph",
        role="img",
        aria_label=f"The {len(steps)} steps of the campaign and the ways between them.",
    )
    left_out = len({step.id for step in report.campaign.steps}) - len(steps)
    said = "Numbers are contacts at a step, and how often a way was taken. Ways that nobody took are dashed."
    under = f"{said} {left_out:,} more steps are not drawn." if left_out else said
    shown = card(element("div", svg, class_="wide"), element("p", under, class_="soft small"))
    return joined([element("h2", "Where contacts went"), shown])


def _drawn(campaign: Campaign, facts: Facts) -> dict[str, Step]:
    """The steps that are drawn, by id: those that contacts came to first."""
    first = dict(reversed([(step.id, step) for step in reversed(campaign.steps)]))
    ordered = sorted(first.values(), key=lambda step: not facts.steps[step.id].contacts)[:MOST]
    return {step.id: step for step in ordered}


def _box(step: Step, steps: dict[str, Step]) -> Box:
    edges = step.edges
    if len(edges) < 2:
        return Box(_WIDE, _HEAD, tuple((_WIDE / 2, edge.target) for edge in edges if edge.target in steps))
    widths = [(len(_short(edge.branch, 14)) + 5) * _LETTER + 14 for edge in edges]
    wide = max(_WIDE, sum(widths) + 8)
    share, at, ports = wide / sum(widths), 0.0, []
    for edge, width in zip(edges, widths, strict=True):
        ports.append((at + width * share / 2, edge.target))
        at += width * share
    return Box(wide, _HEAD + _WAYS, tuple(ports))


def _node(step: Step, box: Box, placed: Layout, facts: Facts, wrong: bool) -> Markup:
    x, y = placed.places[step.id]
    contacts = facts.steps[step.id].contacts
    kinds = ["step", type(step.action).kind, "unseen" if not contacts else "", "wrong" if wrong else ""]
    parts = [
        element("title", f"{step.id}: {_what(step)}"),
        element("rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{box.width:.1f}", height=f"{box.height:.1f}", rx="10"),
        element("text", _short(step.id, _LONG), x=f"{x + 12:.1f}", y=f"{y + 19:.1f}", class_="id"),
        element("text", _short(_what(step), _LONG + 3), x=f"{x + 12:.1f}", y=f"{y + 36:.1f}", class_="kind"),
        element(
            "text",
            f"{contacts:,}",
            x=f"{x + box.width - 12:.1f}",
            y=f"{y + 19:.1f}",
            text_anchor="end",
            class_="count",
        ),
    ]
    return element("g", *parts, class_=" ".join(filter(None, kinds)))


def _way(report: CampaignReport, way: Way, steps: dict[str, Step], most: int) -> Markup:
    edges = steps[way.source].edges
    edge = edges[way.port] if len(edges) > 1 else edges[0]
    times = report.coverage.times[edge].total()
    drawn = [
        element(
            "path",
            element("title", f"{edge.branch} of {edge.step} to {edge.target}: {times:,} times"),
            d=_path(way),
            stroke_width=f"{1.2 + 4.8 * times / most if most else 1.2:.1f}",
        )
    ]
    x, y = way.points[-1]
    tip = f"M{x:.1f} {y:.1f}l6 -4v8z" if way.back else f"M{x:.1f} {y:.1f}l-4 -7h8z"
    drawn.append(element("path", d=tip, class_="tip"))
    return element("g", *drawn, class_="way" if times else "way never")


def _label(report: CampaignReport, way: Way, steps: dict[str, Step]) -> Markup:
    edge = steps[way.source].edges[way.port]
    times = report.coverage.times[edge].total()
    x, y = way.points[0]
    kind = "branch" if times else "branch never"
    label = f"{_short(edge.branch, 14)} {times:,}"
    return element("text", label, x=f"{x:.1f}", y=f"{y - 8:.1f}", text_anchor="middle", class_=kind)


def _path(way: Way) -> str:
    (x, y), *rest = way.points
    drawn = f"M{x:.1f} {y:.1f}"
    if way.back:
        return drawn + "".join(f"L{one:.1f} {two:.1f}" for one, two in rest)
    for (one, two), (three, four) in pairwise(way.points):
        half = (two + four) / 2
        drawn += f"C{one:.1f} {half:.1f} {three:.1f} {half:.1f} {three:.1f} {four:.1f}"
    return drawn


def _what(step: Step) -> str:
    """What the step does, in a few words."""
    match step.action:
        case SendSms():
            return "SMS"
        case SendEmail(subject):
            return f"e-mail: {subject}"
        case WaitForReply(timeout):
            return f"waits {write_duration(timeout)}"
        case Delay(duration, time, weekday):
            parts = [write_duration(duration) if duration else "", weekday or "", write_time(time) if time else ""]
            return f"delay {', '.join(filter(None, parts))}"
        case Condition():
            return "condition"
        case Split():
            return "split"
        case UpdateContact():
            return "updates the contact"
        case Webhook(tool):
            return f"webhook {tool}"
        case Goal(name):
            return f"goal: {name}" if name else "goal"
        case Exit(reason):
            return f"exit: {reason}" if reason else "exit"


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
