"""A report as one HTML page: it needs no script and no other file, and works on paper, phones and in the dark."""

from datetime import UTC, datetime

from services.evaluator.reports.model import Report, Verdict
from services.evaluator.reports.rendering.page import tables
from services.evaluator.reports.rendering.page.document import document
from services.evaluator.reports.rendering.page.examples import failures
from services.evaluator.reports.rendering.page.figures import figure
from services.evaluator.reports.rendering.page.markup import NOTHING, Markup, element, joined
from services.evaluator.reports.rendering.shared import SIGNS, TITLES, rules
from services.evaluator.reports.transcripts import Transcripts

_ACCENTS = {
    Verdict.PASSED: "good",
    Verdict.BETTER: "good",
    Verdict.AS_GOOD: "even",
    Verdict.WORSE: "bad",
    Verdict.BELOW_THRESHOLD: "bad",
    Verdict.UNDECIDED: "open",
    Verdict.INVALID: "none",
}


def page(report: Report, transcripts: Transcripts) -> str:
    """The report as an HTML document. transcripts: of its examples, as far as they still exist."""
    return document(
        f"{TITLES[report.verdict]} · {_subject(report)}",
        _ACCENTS[report.verdict],
        _top(report),
        figure(report),
        failures(report, transcripts),
        tables.matrix(report),
        tables.personas(report),
        tables.expectations(report),
        tables.criteria(report),
        tables.coverage(report),
        tables.sides(report),
        _notes(report),
        _bottom(report),
    )


def _subject(report: Report) -> str:
    return " and ".join(side.label for side in report.sides)


def _top(report: Report) -> Markup:
    return element(
        "header",
        element("p", f"Rehearsal of {_subject(report)}", class_="eyebrow"),
        element("h1", f"{SIGNS[report.verdict]} {TITLES[report.verdict]}"),
        element("p", report.headline, class_="lead"),
    )


def _notes(report: Report) -> Markup:
    if not report.notes:
        return NOTHING
    listed = element("ul", *(element("li", note) for note in report.notes), class_="notes")
    return joined([element("h2", "Good to know"), element("div", listed, class_="card")])


def _bottom(report: Report) -> Markup:
    said = [rules(report)]
    if report.comparison is not None:
        said.append(f"Conversations are paired by {report.comparison.paired_by}; p is McNemar's mid-p.")
        said.append("The p-values of expectations and personas are corrected for their number (Holm).")
    built = [report.name] if report.name else []
    if report.create_time:
        built.append(f"{datetime.fromtimestamp(report.create_time / 1000, UTC):%-d %B %Y, %H:%M} UTC")
    built += [f"by {report.creator}"] if report.creator else []
    said += [", ".join(built)] if built else []
    return element("footer", *(element("span", one) for one in said))
