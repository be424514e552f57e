"""What all formats say in the same words."""

from services.evaluator.reports.model import CriterionRate, CriterionSummary, ExpectationSummary, Report, Verdict
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


def judged(one: CriterionSummary) -> str:
    """What the judge says of a criterion, as in `passes 33 of 50, corrected 60 % (48 % to 71 %); calibrated`."""
    said = [f"passes {_judged(one.rate)}"]
    if one.baseline_rate is not None:
        said.append(f"baseline {_judged(one.baseline_rate)}")
    if one.why_uncalibrated:
        said.append(f"uncalibrated, so it cannot fail the run: {one.why_uncalibrated}")
    else:
        worse = {Verdict.WORSE: ", worse", Verdict.BELOW_THRESHOLD: ", below the threshold"}
        p = "" if one.baseline_rate is None else f", {points(one.difference)} points, {p_value(one.p)}"
        said.append(f"calibrated{p}{worse[one.fails] if one.fails else ''}")
    return "; ".join(said)


def _judged(rate: CriterionRate) -> str:
    true = rate.corrected
    corrected = f", corrected {percent(true.value)} ({percent(true.low)} to {percent(true.high)})" if true else ""
    without = f", {rate.without_verdict:,} without a verdict" if rate.without_verdict else ""
    return f"{out_of(rate.judged)}{corrected}{without}"


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
    if spec.judge_threshold is not None:
        parts.append(f"at least {percent(spec.judge_threshold)} by each calibrated criterion of the judge")
    return f"Rules: {'; '.join(parts)}."
