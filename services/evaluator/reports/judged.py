"""What a judge says of each side, and which of its criteria fail a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.evaluator.reports.breakdown import PairOfScores, clusters_of, rate_of
from services.evaluator.reports.model import CorrectedRate, CriterionRate, CriterionSummary, ReportSpec, Verdict
from services.evaluator.scores.model import Score
from services.evaluator.statistics.clustered import effective_total
from services.evaluator.statistics.holm import holm
from services.evaluator.statistics.mcnemar import mid_p
from services.evaluator.statistics.pairs import pairs_of
from services.evaluator.statistics.rogan_gladen import Share, corrected

Verdicts = Mapping[str, bool]
"""Whether a criterion passes, by conversation; without those that have no verdict."""


@dataclass(frozen=True, slots=True)
class JudgedCriterion:
    """A criterion, the verdicts about each side, and what the newest calibration of the judge says.

    verdicts: of the side that is judged, then of the baseline if there is one. calibration: its name; "" if there is
    none. why_uncalibrated: "" if the criterion may fail a run. sensitivity, specificity: None where they are not known.
    """

    id: str
    question: str
    verdicts: tuple[Verdicts, ...]
    why_uncalibrated: str
    calibration: str = ""
    sensitivity: Share | None = None
    specificity: Share | None = None


def criterion_summaries(
    spec: ReportSpec,
    judged: Sequence[JudgedCriterion],
    valid: Sequence[Sequence[Score]],
    pairs: Sequence[PairOfScores],
) -> tuple[CriterionSummary, ...]:
    """Each criterion, in this order. valid: the valid conversations of each side."""
    tables = {one.id: pairs_of(_passed(one, pairs)) for one in judged}
    tested = [one.id for one in judged if not one.why_uncalibrated]
    p = dict(zip(tested, holm([mid_p(tables[one].gained, tables[one].lost) for one in tested]), strict=True))
    return tuple(_summary(spec, one, valid, p.get(one.id, 1.0), tables[one.id].difference) for one in judged)


def _passed(one: JudgedCriterion, pairs: Sequence[PairOfScores]) -> list[tuple[bool, bool]]:
    """The pairs that have a verdict on both sides: (new passed, old passed)."""
    found = []
    for new, old in pairs:
        mine, theirs = one.verdicts[0].get(new.conversation), one.verdicts[1].get(old.conversation)
        if mine is not None and theirs is not None:
            found.append((mine, theirs))
    return found


def _rate(one: JudgedCriterion, number: int, side: Sequence[Score], alpha: float) -> CriterionRate:
    verdicts = one.verdicts[number]
    known = [(score, verdicts[score.conversation]) for score in side if score.conversation in verdicts]
    judged, count = rate_of(known, alpha), effective_total(clusters_of(known))
    share = Share(judged.value * count, count)
    return CriterionRate(judged, _corrected(one, share, alpha), len(side) - len(known))


def _corrected(one: JudgedCriterion, share: Share, alpha: float) -> CorrectedRate | None:
    if one.sensitivity is None or one.specificity is None or not share.total:
        return None
    found = corrected(share, one.sensitivity, one.specificity, alpha)
    return None if found is None else CorrectedRate(found.rate, *found.interval)


def _summary(
    spec: ReportSpec, one: JudgedCriterion, valid: Sequence[Sequence[Score]], p: float, difference: float
) -> CriterionSummary:
    rates = [_rate(one, number, side, spec.alpha) for number, side in enumerate(valid)]
    return CriterionSummary(
        id=one.id,
        question=one.question,
        rate=rates[0],
        baseline_rate=rates[1] if len(rates) > 1 else None,
        calibration=one.calibration,
        why_uncalibrated=one.why_uncalibrated,
        p=p,
        difference=difference,
        fails=None if one.why_uncalibrated else _fails(spec, rates[0], p, difference),
    )


def _fails(spec: ReportSpec, rate: CriterionRate, p: float, difference: float) -> Verdict | None:
    """The verdict that a calibrated criterion leads to; None if it does not fail the run."""
    if p < spec.alpha and difference < 0:
        return Verdict.WORSE
    threshold, true = spec.judge_threshold, rate.corrected
    if threshold is not None and true is not None and true.high < threshold:
        return Verdict.BELOW_THRESHOLD
    return None
