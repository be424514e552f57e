"""A report on a campaign as one HTML page: it needs no script and no other file."""

import re
from importlib.resources import files

from services.evaluator.reports.campaigns.facts import facts_of
from services.evaluator.reports.campaigns.model import CampaignReport, ScorePart
from services.evaluator.reports.campaigns.rendering.page.graph import graph
from services.evaluator.reports.campaigns.rendering.page.timeline import timeline
from services.evaluator.reports.campaigns.rendering.page.transcripts import transcripts
from services.evaluator.reports.campaigns.rendering.wording import SIGNS, difference, rate, rules, subject, title
from services.evaluator.reports.rendering.page.document import document
from services.evaluator.reports.rendering.page.figures import rate_figure
from services.evaluator.reports.rendering.page.markup import NOTHING, Markup, element, joined
from services.evaluator.reports.rendering.page.tables import card, numbers, table
from services.evaluator.reports.wording import confidence

_CSS = files(__package__).joinpath("campaign.css").read_text(encoding="utf-8")
_SOUND = "Nothing is wrong by the rules, and no contact met an error."
_ISSUES = 100
"""The most issues that are shown."""


def page(report: CampaignReport) -> str:
    """The report as an HTML document."""
    parts = (
        _top(report),
        _measures(report),
        _recommendations(report),
        _issues(report),
        graph(report, facts_of(report.campaign.steps, report.contacts)),
        timeline(report),
        _expectations(report),
        _personas(report),
        _splits(report),
        transcripts(report),
        _notes(report),
        _bottom(report),
    )
    name = f"{title(report)} · {report.campaign.display_name}"
    return document(name, "good" if report.passed else "bad", *parts, more_css=_CSS)


def _top(report: CampaignReport) -> Markup:
    words = element(
        "div",
        element("p", f"Campaign {report.campaign.display_name}", class_="eyebrow"),
        element("h1", f"{'✓' if report.passed else '✗'} {title(report)}"),
        element("p", report.summary, class_="lead"),
    )
    grade = element("div", str(report.score), element("small", " / 100"), class_="grade")
    return element("header", words, grade, class_="top")


def _measures(report: CampaignReport) -> Markup:
    sure = confidence(report.spec.alpha)
    figure = rate_figure("Conversion", report.conversion, None, sure, what="reached a goal")
    stated = f"Asked at their last message, contacts call it {report.stated:.0f} of 100 likely that they convert."
    shown = card(element("div", figure, class_="figure"), element("p", stated, class_="soft small"))
    return element("div", card(*map(_part, report.parts)), shown, class_="measures")


def _part(one: ScorePart) -> Markup:
    bars = [
        element("rect", width="100%", height="8", rx="4", class_="all"),
        element("rect", width=f"{one.points:.2f}%", height="8", rx="4", class_="met"),
    ]
    return element(
        "div",
        element("span", one.part.capitalize(), element("span", f" · weight {one.weight}", class_="soft small")),
        element("b", f"{one.points:.0f}"),
        element("svg", *bars, class_="bar", height="8", role="img", aria_label=f"{one.points:.0f} of 100"),
        element("p", one.detail, class_="soft small"),
        class_="part",
    )


def _recommendations(report: CampaignReport) -> Markup:
    if not report.recommendations:
        return NOTHING
    items = []
    for one in report.recommendations:
        shown: list[str] = [_told(one.evidence)]
        if one.conversation:
            shown += [" ", element("code", one.conversation)]
        parts = [
            element("span", subject(one), class_="subject"),
            element("h3", _told(one.sentence)),
            element("p", *shown, class_="soft small"),
        ]
        items.append(element("li", element("div", *parts)))
    return joined([element("h2", "What to change"), card(element("ol", *items, class_="advice"))])


def _issues(report: CampaignReport) -> Markup:
    if not report.issues:
        return joined([element("h2", "Issues"), card(joined([_SOUND]))])
    items = []
    for issue in report.issues[:_ISSUES]:
        where = [" at ", element("code", issue.step)] if issue.step else []
        head = element("div", element("b", issue.type), *where, class_="small")
        said = element("p", _told(issue.sentence), " ", element("span", _told(issue.fix), class_="soft"))
        sign = element("span", SIGNS[issue.severity], class_="sign")
        items.append(element("li", sign, element("div", head, said), class_=issue.severity))
    more = report.issue_count - len(items)
    under = [element("p", f"{more:,} more issues are not shown.", class_="soft small")] if more > 0 else []
    shown = card(element("ul", *items, class_="issues"), *under)
    return joined([element("h2", f"Issues: {report.issue_count:,}"), shown])


def _expectations(report: CampaignReport) -> Markup:
    body = []
    for sentence, one in report.expectations.items():
        detail = []
        if one.missed is not None:
            conversation, finding = one.missed
            detail = [" ", element("span", finding.actual, " ", element("code", conversation), class_="soft small")]
        head = element("th", sentence, *detail, scope="row")
        body.append((head, *numbers([f"{one.met:,} of {one.met + one.missed_by:,}"])))
    if not body:
        return NOTHING
    heads = [joined(["expectation"]), joined(["met by"])]
    return joined([element("h2", "Expectations"), card(table(heads, body))])


def _personas(report: CampaignReport) -> Markup:
    body = [
        (
            element("th", one.persona, scope="row"),
            *numbers([rate(one.conversion), f"{one.messages:,}", f"{one.replies:,}", f"{one.opt_outs:,}"]),
        )
        for one in report.personas
    ]
    heads = [joined([head]) for head in ("persona", "reached a goal", "messages", "answered", "opted out")]
    return joined([element("h2", "Personas"), card(table(heads, body))])


def _splits(report: CampaignReport) -> Markup:
    if not report.splits:
        return NOTHING
    cards = []
    for split in report.splits:
        body = [
            (
                element("th", arm.arm, scope="row"),
                *numbers([rate(arm.conversion), difference(arm) if place else "–"]),
            )
            for place, arm in enumerate(split.arms)
        ]
        heads = [joined([head]) for head in ("arm", "reached a goal", "difference to the first")]
        cards.append(card(element("h3", element("code", split.step)), table(heads, body)))
    return joined([element("h2", "Arms of splits"), *cards])


def _notes(report: CampaignReport) -> Markup:
    if not report.notes:
        return NOTHING
    listed = element("ul", *(element("li", _told(note)) for note in report.notes), class_="notes")
    return joined([element("h2", "Good to know"), card(listed)])


def _bottom(report: CampaignReport) -> Markup:
    said = [rules(report)]
    named = [f"{report.name} revision {report.revision}"] if report.name else []
    named += [report.batch] if report.batch else []
    said += [", ".join(named)] if named else []
    return element("footer", *(element("span", one) for one in said))


def _told(sentence: str) -> Markup:
    """A sentence in which names stand in backticks."""
    parts = re.split(r"`([^`]*)`", sentence)
    return joined(element("code", part, class_="inline") if place % 2 else part for place, part in enumerate(parts))
