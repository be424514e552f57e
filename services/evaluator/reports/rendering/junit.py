"""A report as JUnit XML: one test case for the verdict, one an expectation, and one a criterion of the judge."""

from services.evaluator.reports.model import CriterionSummary, Example, ExpectationSummary, Report
from services.evaluator.reports.rendering.shared import BAD, GOOD, is_worse, judged, missed, numbers
from services.evaluator.reports.rendering.testcases import case, element, problem, suite
from services.evaluator.reports.transcripts import Transcripts
from shared.words import events_named


def junit(report: Report, transcripts: Transcripts) -> str:  # noqa: ARG001
    """The report as JUnit XML.

    The case of the verdict fails if it is WORSE or BELOW_THRESHOLD, and is an error if there is none. The case of an
    expectation fails if the judged side is significantly worse at it, or misses it while it lies below the threshold.
    The case of a judge's criterion fails if it fails the run, which no uncalibrated one does.
    """
    cases = [
        _verdict(report),
        *(_expectation(report, one) for one in report.expectations),
        *(_criterion(one) for one in report.criteria),
    ]
    return suite(f"greenroom {report.judged.label}", cases)


def _verdict(report: Report) -> str:
    if report.verdict in GOOD:
        return case("greenroom", "verdict", element("system-out", "\n".join([report.headline, *_stop(report)])))
    word = "failure" if report.verdict in BAD else "error"
    lines = [*_stop(report), *report.notes]
    return case("greenroom", "verdict", problem(word, report.headline, report.verdict, lines))


def _stop(report: Report) -> list[str]:
    """Why no more pairs were played, for programs that look for the word."""
    return [f"{report.stop.reason}: {report.stop.played} pairs played"] if report.stop else []


def _expectation(report: Report, one: ExpectationSummary) -> str:
    fails = is_worse(report, one) or (report.verdict in BAD and not report.baseline and one in missed(report))
    found = [_shown(example) for example in report.examples if example.expectation == one.id]
    said = f"{one.text} It is {numbers(one)}."
    inner = problem("failure", said, "MISSED", found) if fails else element("system-out", "\n".join([said, *found]))
    return case("greenroom.expectations", one.id, inner)


def _criterion(one: CriterionSummary) -> str:
    said = f"{one.question} The judge {judged(one)}"
    inner = problem("failure", said, one.fails, []) if one.fails else element("system-out", said)
    return case("greenroom.judge", one.id, inner)


def _shown(example: Example) -> str:
    events = events_named(example.evidence)
    return f"{example.conversation}{events and f', {events}'}: {example.detail}"
