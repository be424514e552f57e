"""A report as JUnit XML: one test case for the verdict and one an expectation."""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from services.evaluator.reports.model import Example, ExpectationSummary, Report
from services.evaluator.reports.rendering.shared import BAD, GOOD, is_worse, missed, numbers
from services.evaluator.reports.transcripts import Transcripts
from shared.plain import visible
from shared.words import events_named


def junit(report: Report, transcripts: Transcripts) -> str:  # noqa: ARG001
    """The report as JUnit XML.

    The case of the verdict fails if it is WORSE or BELOW_THRESHOLD, and is an error if there is none. The case of an
    expectation fails if the judged side is significantly worse at it, or misses it while it lies below the threshold.
    """
    cases = [_verdict(report), *(_expectation(report, one) for one in report.expectations)]
    failures, errors = (sum(f"<{word} " in case for case in cases) for word in ("failure", "error"))
    suite = f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="0"'
    name = _quoted(f"greenroom {report.judged.label}")
    body = "".join(f"    {case}\n" for case in cases)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<testsuites {suite}>\n  <testsuite name={name} {suite}>\n{body}  </testsuite>\n</testsuites>\n"
    )


def _verdict(report: Report) -> str:
    if report.verdict in GOOD:
        return _case("greenroom", "verdict", _element("system-out", "\n".join([report.headline, *_stop(report)])))
    word = "failure" if report.verdict in BAD else "error"
    lines = [*_stop(report), *report.notes]
    return _case("greenroom", "verdict", _problem(word, report.headline, report.verdict, lines))


def _stop(report: Report) -> list[str]:
    """Why no more pairs were played, for programs that look for the word."""
    return [f"{report.stop.reason}: {report.stop.played} pairs played"] if report.stop else []


def _expectation(report: Report, one: ExpectationSummary) -> str:
    fails = is_worse(report, one) or (report.verdict in BAD and not report.baseline and one in missed(report))
    found = [_shown(example) for example in report.examples if example.expectation == one.id]
    said = f"{one.text} It is {numbers(one)}."
    inner = _problem("failure", said, "MISSED", found) if fails else _element("system-out", "\n".join([said, *found]))
    return _case("greenroom.expectations", one.id, inner)


def _shown(example: Example) -> str:
    events = events_named(example.evidence)
    return f"{example.conversation}{events and f', {events}'}: {example.detail}"


def _case(group: str, name: str, inner: str) -> str:
    return f"<testcase classname={_quoted(group)} name={_quoted(name)}>{inner}</testcase>"


def _problem(word: str, message: str, kind: str, lines: Sequence[str]) -> str:
    text = _text("\n".join(lines))
    return f"<{word} message={_quoted(message)} type={_quoted(kind)}>{text}</{word}>"


def _element(word: str, text: str) -> str:
    return f"<{word}>{_text(text)}</{word}>"


def _text(text: str) -> str:
    # XML has no way to write most control characters.
    return escape(visible(text))


def _quoted(text: str) -> str:
    return quoteattr(visible(text))
