"""What all formats say in the same words."""

from services.evaluator.reports.model import ExpectationSummary, Report, Verdict
from services.evaluator.reports.wording import out_of, p_value, percent, points

TITLES = {
    Verdict.PASSED: "Passed",
    Verdict.BELOW_THRESHOLD: "Below the threshold",
    Verdict.BETTER: "Better",
    Verdict.AS_GOOD: "As good",
    Verdict.WORSE: "Worse",
    Verdict.UNDECIDED: "No verdict yet",
    Verdict.INVALID: "No verdict: too much is invalid",
}
"""The verdicts as titles."""

SIGNS = {
    Verdict.PASSED: "✓",
    Verdict.BELOW_THRESHOLD: "✗",
    Verdict.BETTER: "↑",
    Verdict.AS_GOOD: "=",
    Verdict.WORSE: "↓",
    Verdict.UNDECIDED: "?",
    Verdict.INVALID: "!",
}
"""The verdicts as signs."""

GOOD = frozenset({Verdict.PASSED, Verdict.BETTER, Verdict.AS_GOOD})
BAD = frozenset({Verdict.WORSE, Verdict.BELOW_THRESHOLD})


def missed(report: Report) -> list[ExpectationSummary]:
    """The expectations that the judged side missed at least once, in the report's order."""
    return [one for one in report.expectations if one.met.successes < one.met.total]


def is_worse(report: Report, one: ExpectationSummary) -> bool:
    """True if the judged side is significantly worse at the expectation than the baseline."""
    return one.baseline_met is not None and one.p < report.spec.alpha and one.difference < 0


def numbers(one: ExpectationSummary) -> str:
    """How often an expectation is met, as in `met in 33 of 50, baseline 47 of 50 (−28 points, p < 0.001)`."""
    if one.baseline_met is None:
        return f"met in {out_of(one.met)}" + (f" ({percent(one.met.value)})" if one.met.total else "")
    difference = f"{points(one.difference)} points, {p_value(one.p)}"
    return f"met in {out_of(one.met)}, baseline {out_of(one.baseline_met)} ({difference})"


def rules(report: Report) -> str:
    """The rules of the verdict, in one sentence."""
    spec = report.spec
    parts = [f"tests at the level {spec.alpha:g}", f"at most {percent(spec.most_invalid)} of the conversations invalid"]
    if (rule := spec.until_sure) is not None:
        parts.append(
            f"up to {rule.most_pairs:,} pairs in rounds of {rule.round_size:,}, until E is at least {rule.needed:.3g} "
            f"or would hardly be with a difference of {rule.smallest_difference * 100:g} points"
        )
    elif report.baseline:
        parts.append(f"as good if no more than {spec.margin * 100:g} points worse")
    if spec.threshold is not None:
        parts.append(f"a success rate of at least {percent(spec.threshold)}")
    return f"Rules: {'; '.join(parts)}."
