"""The verdict: what the numbers say, in one word and one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from services.evaluator.reports.model import Comparison, CriterionSummary, ReportSpec, Side, Verdict
from services.evaluator.reports.wording import confidence, out_of, p_value, percent, points
from services.evaluator.statistics.sample_size import pairs_needed, trials_needed
from shared.statistics.until_sure import Reason, Rule, Stop
from shared.words import counted

_LEAST_DIFFERENCE = 0.01
"""The smallest difference that a number of conversations is estimated for."""

_WORST_FIRST = (
    Verdict.INVALID,
    Verdict.WORSE,
    Verdict.BELOW_THRESHOLD,
    Verdict.UNDECIDED,
    Verdict.AS_GOOD,
    Verdict.BETTER,
    Verdict.PASSED,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict. more: about how many more conversations a side it needs; 0 unless it is UNDECIDED."""

    verdict: Verdict
    headline: str
    more: int = 0


def decide(
    spec: ReportSpec,
    sides: Sequence[Side],
    comparison: Comparison | None,
    stop: Stop | None = None,
    criteria: Sequence[CriterionSummary] = (),
) -> Decision:
    """The verdict about one side, or about two.

    stop: how playing pairs until it was sure ended, if it did. criteria: what a judge says of the sides.
    """
    for side in sides:
        if side.invalid > spec.most_invalid * (side.invalid + side.success.total) or not side.success.total:
            return Decision(Verdict.INVALID, _invalid(spec, side))
    if spec.until_sure is not None and comparison is not None:
        verdict = _sure(stop)
        return Decision(verdict, _headline(verdict, spec, sides, comparison, _ended(spec.until_sure, stop, comparison)))
    verdicts = [_against_threshold(spec, sides[0])]
    if comparison is not None:
        verdicts.append(_against_baseline(spec, comparison))
    verdicts += [(one.fails, 0) for one in criteria if one.fails is not None]
    verdict, more = min(verdicts, key=lambda found: (_WORST_FIRST.index(found[0]), -found[1]))
    closing = _closing(verdict, more, spec) + "".join(_failing(one, spec, sides) for one in criteria)
    return Decision(verdict, _headline(verdict, spec, sides, comparison, closing), more)


def _failing(one: CriterionSummary, spec: ReportSpec, sides: Sequence[Side]) -> str:
    """What a criterion says that fails the run; "" if it does not."""
    judged, true = one.rate.judged, one.rate.corrected
    if one.fails is Verdict.WORSE and one.baseline_rate is not None:
        before = f"{sides[1].label} {out_of(one.baseline_rate.judged)}"
        return f"; the calibrated judge passes {out_of(judged)} by {one.id}, {before}, {p_value(one.p)}"
    if one.fails is Verdict.BELOW_THRESHOLD and true is not None:
        interval = f"{percent(true.low)} to {percent(true.high)}, below {percent(spec.judge_threshold or 0.0)}"
        return (
            f"; the calibrated judge passes {out_of(judged)} by {one.id}, corrected {percent(true.value)} ({interval})"
        )
    return ""


def _sure(stop: Stop | None) -> Verdict:
    """The verdict over pairs that were played until it was sure. That nothing was found never makes sides equal."""
    if stop is None or stop.reason is not Reason.DIFFERENT:
        return Verdict.UNDECIDED
    return Verdict.BETTER if stop.gained > stop.lost else Verdict.WORSE


def _against_threshold(spec: ReportSpec, side: Side) -> tuple[Verdict, int]:
    rate, threshold = side.success, spec.threshold
    if threshold is None or rate.low >= threshold:
        return Verdict.PASSED, 0
    if rate.high < threshold:
        return Verdict.BELOW_THRESHOLD, 0
    distance = max(abs(rate.value - threshold), spec.margin / 2, _LEAST_DIFFERENCE)
    expected = threshold - distance if rate.value < threshold else threshold + distance
    needed = trials_needed(min(max(expected, 0.0), 1.0), threshold, spec.alpha)
    return Verdict.UNDECIDED, max(needed - rate.total, 1)


def _against_baseline(spec: ReportSpec, found: Comparison) -> tuple[Verdict, int]:
    if found.p < spec.alpha:
        return Verdict.BETTER if found.gained > found.lost else Verdict.WORSE, 0
    if found.low > -spec.margin:
        return Verdict.AS_GOOD, 0
    # Either the margin or 0 must fall out of the interval, whichever is farther from the difference.
    telling = max(found.difference + spec.margin, -found.difference, _LEAST_DIFFERENCE)
    discordance = (found.gained + found.lost) / found.pairs if found.pairs else 0.0
    needed = pairs_needed(min(telling, 1.0), discordance, spec.alpha)
    return Verdict.UNDECIDED, max(needed - found.pairs, 1)


def _headline(
    verdict: Verdict, spec: ReportSpec, sides: Sequence[Side], comparison: Comparison | None, closing: str
) -> str:
    word, sure = _word(verdict, spec, sides), f"{confidence(spec.alpha)} interval"
    rate = sides[0].success
    passed = f"{'it' if word.startswith(sides[0].label) else sides[0].label} passed {out_of(rate)} conversations"
    numbers = f"{passed} ({sure} {percent(rate.low)} to {percent(rate.high)})"
    if comparison is not None:
        difference = f"the difference is {points(comparison.difference)} points"
        interval = f"{sure} {points(comparison.low)} to {points(comparison.high)}, {p_value(comparison.p)}"
        numbers = f"{passed}, {sides[1].label} {out_of(sides[1].success)}; {difference} ({interval})"
    return f"{word}: {numbers}{closing}."


def _word(verdict: Verdict, spec: ReportSpec, sides: Sequence[Side]) -> str:
    match verdict:
        case Verdict.PASSED:
            return "Passed" if spec.threshold is None else f"Passed the threshold of {percent(spec.threshold)}"
        case Verdict.BELOW_THRESHOLD:
            threshold, rate = spec.threshold, sides[0].success
            if threshold is None or rate.high >= threshold:
                return "Below the threshold of the judge"
            return f"Below the threshold of {percent(threshold)}"
        case Verdict.BETTER:
            return f"{sides[0].label} is better"
        case Verdict.AS_GOOD:
            return f"{sides[0].label} is as good"
        case Verdict.WORSE:
            return f"{sides[0].label} is worse"
        case Verdict.UNDECIDED:
            return "No verdict yet"
        case Verdict.INVALID:
            return "No verdict"
        case _:
            assert_never(verdict)


def _closing(verdict: Verdict, more: int, spec: ReportSpec) -> str:
    if verdict is Verdict.UNDECIDED:
        return f"; about {more:,} more conversations would tell"
    if verdict is Verdict.AS_GOOD:
        return f"; a difference of {spec.margin * 100:g} points or more to the worse is ruled out"
    return ""


def _ended(rule: Rule, stop: Stop | None, found: Comparison) -> str:
    """How playing pairs until it was sure ended."""
    if stop is None:
        return f"; it ended before it was sure, with {counted(found.pairs, 'pair')}"
    after, evidence = f"after {stop.played:,} of {rule.most_pairs:,} pairs", f"E = {stop.evidence:.3g}"
    match stop.reason:
        case Reason.DIFFERENT:
            return f"; it was sure {after}, {evidence} with {rule.needed:.3g} needed"
        case Reason.FUTILE:
            rest = f"the rest would hardly show a difference of {rule.smallest_difference * 100:g} points"
            return f"; {after} {rest}, {evidence} with {rule.needed:.3g} needed, which does not say that they are equal"
        case Reason.BUDGET:
            return f"; all {stop.played:,} pairs do not tell, {evidence} with {rule.needed:.3g} needed"
        case _:
            assert_never(stop.reason)


def _invalid(spec: ReportSpec, side: Side) -> str:
    total = side.invalid + side.success.total
    if not total:
        return f"No verdict: {side.label} has no conversations."
    reasons = ", ".join(f"{one.what} {one.times:,}" for one in side.invalid_reasons[:3])
    share = f"{percent(side.invalid / total)}, more than {percent(spec.most_invalid)}"
    invalid = f"{side.invalid:,} of {total:,} conversations of {side.label} are invalid ({share})"
    return f"No verdict: {invalid}{reasons and f': {reasons}'}."
