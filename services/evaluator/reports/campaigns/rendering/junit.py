"""A report on a campaign as JUnit XML: one test case for the score, one an expectation and one a step."""

from collections.abc import Sequence

from services.evaluator.checks.model import Issue, Severity
from services.evaluator.reports.campaigns.model import CampaignReport
from services.evaluator.reports.campaigns.rendering.wording import rules
from services.evaluator.reports.rendering.testcases import case, element, problem, suite
from shared.model.campaigns.summary import Judged


def junit(report: CampaignReport) -> str:
    """The report as JUnit XML.

    The case of the score fails if the report did not pass, that of an expectation if a contact missed it, and that of a
    step if an issue of it is an error.
    """
    cases = [_score(report), *(_expectation(*one) for one in report.expectations.items())]
    issues: dict[str, list[Issue]] = {step.id: [] for step in report.campaign.steps}
    for issue in report.issues:
        issues.setdefault(issue.step, []).append(issue)
    issues.pop("", None)
    return suite(f"greenroom {report.campaign.display_name}", [*cases, *(_step(*one) for one in issues.items())])


def _score(report: CampaignReport) -> str:
    lines = [f"{one.part}: {one.points:.0f} of 100, weight {one.weight}. {one.detail}" for one in report.parts]
    lines += [f"{issue.type}: {issue.sentence}" for issue in report.issues if not issue.step]
    lines += [*report.notes, rules(report)]
    if report.passed:
        return case("greenroom", "score", element("system-out", "\n".join([report.summary, *lines])))
    return case("greenroom", "score", problem("failure", report.summary, "NOT_READY", lines))


def _expectation(sentence: str, judged: Judged) -> str:
    said = f"Met by {judged.met:,} of {judged.met + judged.missed_by:,} contacts."
    if judged.missed is None:
        return case("greenroom.expectations", sentence, element("system-out", said))
    conversation, finding = judged.missed
    shown = [f"{conversation}: {finding.actual}"]
    return case("greenroom.expectations", sentence, problem("failure", said, "MISSED", shown))


def _step(step: str, issues: Sequence[Issue]) -> str:
    lines = [f"{issue.severity} {issue.type}: {issue.sentence} {issue.fix}" for issue in issues]
    errors = [issue for issue in issues if issue.severity is Severity.ERROR]
    if not errors:
        return case("greenroom.steps", step, element("system-out", "\n".join(lines)) if lines else "")
    return case("greenroom.steps", step, problem("failure", errors[0].sentence, errors[0].type, lines))
