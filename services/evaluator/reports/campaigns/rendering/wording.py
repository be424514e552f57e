"""What all formats say in the same words."""

from services.evaluator.checks.model import Severity
from services.evaluator.reports.campaigns.model import ArmFares, CampaignReport, Recommendation, Subject
from services.evaluator.reports.model import Rate
from services.evaluator.reports.wording import confidence, out_of, percent, points

SUBJECTS = {
    Subject.TIMING: "Timing and frequency",
    Subject.CONTENT: "Content and tone",
    Subject.BRANCHING: "Branching",
    Subject.CONVERSION: "Conversion",
}
"""The subjects of recommendations as titles."""
SIGNS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
"""The severities as signs."""
FORMULA = (
    "The score is the mean of its parts by their weights, rounded down. Conversion is no part of it, because it depends"
    " on whom you play."
)


def title(report: CampaignReport) -> str:
    """Whether it passed."""
    return "Ready to send" if report.passed else "Not ready"


def subject(one: Recommendation) -> str:
    """What a recommendation is about, and that a model says it, if so."""
    return f"{SUBJECTS[one.subject]}{' (a model)' if one.by_model else ''}"


def rate(found: Rate) -> str:
    """A rate with its interval, such as `24 of 70 (34 %, 24 % to 46 %)`."""
    if not found.total:
        return "none"
    return f"{out_of(found)} ({percent(found.value)}, {percent(found.low)} to {percent(found.high)})"


def difference(arm: ArmFares) -> str:
    """How an arm differs from the first one, in percentage points."""
    return f"{points(arm.difference)} points ({points(arm.low)} to {points(arm.high)})"


def rules(report: CampaignReport) -> str:
    """How to read the numbers."""
    said = f"Intervals have {confidence(report.spec.alpha)} confidence (Wilson; differences by Newcombe). {FORMULA}"
    return f"{said} It had to reach {report.spec.threshold}." if report.spec.threshold else said
