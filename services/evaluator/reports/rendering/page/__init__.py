"""A report as one HTML page: it needs no script and no other file, and works on paper, phones and in the dark."""

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files

from services.evaluator.reports.model import Report, Verdict
from services.evaluator.reports.rendering.page import tables
from services.evaluator.reports.rendering.page.examples import failures
from services.evaluator.reports.rendering.page.figures import figure
from services.evaluator.reports.rendering.page.markup import NOTHING, Markup, element, joined, style
from services.evaluator.reports.rendering.shared import SIGNS, TITLES, rules
from services.evaluator.reports.transcripts import Transcripts

_CSS = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
_ALLOWED = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_CSS.encode()).digest()).decode()}'"
)
"""The content security policy: nothing but our own styles."""

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
    main = element(
        "main",
        _top(report),
        figure(report),
        failures(report, transcripts),
        tables.matrix(report),
        tables.personas(report),
        tables.expectations(report),
        tables.coverage(report),
        tables.sides(report),
        _notes(report),
        _bottom(report),
    )
    body = element("body", main, class_=_ACCENTS[report.verdict])
    return f"<!doctype html>\n{element('html', _head(report), body, lang='en')}\n"


def _head(report: Report) -> Markup:
    metas = [
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_ALLOWED),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
    ]
    title = element("title", f"{TITLES[report.verdict]} · {_subject(report)}")
    return element("head", *metas, title, style(_CSS))


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
