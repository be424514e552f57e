"""Builds a report from the results of one evaluation or two."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from math import isclose

from services.evaluator.reports.breakdown import (
    cells,
    coverage,
    examples,
    expectation_summaries,
    persona_summaries,
    rate_of,
)
from services.evaluator.reports.judged import JudgedCriterion, criterion_summaries
from services.evaluator.reports.model import (
    Comparison,
    Count,
    MeanMeasure,
    Pair,
    PassK,
    Report,
    ReportSpec,
    Side,
)
from services.evaluator.reports.pairing import Pairing, paired
from services.evaluator.reports.results import Evaluated, StoredResults
from services.evaluator.reports.verdict import decide
from services.evaluator.reports.wording import percent
from services.evaluator.scores.model import Measures, Score
from services.evaluator.statistics.clustered import Cluster
from services.evaluator.statistics.mcnemar import mid_p
from services.evaluator.statistics.newcombe import newcombe
from services.evaluator.statistics.pairs import Pairs, pairs_of
from services.evaluator.statistics.pass_k import pass_k
from services.evaluator.statistics.wilson import wilson
from shared.model.events import NO_USAGE
from shared.statistics.until_sure import Outcome, Stop, stopped
from shared.words import counted

ATTEMPTS = (1, 2, 4, 8)
"""The k of pass^k."""
LOST_PAIRS = 20
"""The most lost pairs that are listed."""
_FIXED = (
    "The verdict holds however often one looked. The intervals, and the p-values by expectation and persona, are those "
    "of a number of pairs that was fixed before, so they look a little surer than they are."
)


def build_stored(
    spec: ReportSpec, judged: StoredResults, baseline: StoredResults | None, criteria: Sequence[JudgedCriterion]
) -> Report:
    """`build`, from results as they are stored."""
    return build(spec, judged.read(), None if baseline is None else baseline.read(), criteria)


def build(
    spec: ReportSpec, judged: Evaluated, baseline: Evaluated | None, criteria: Sequence[JudgedCriterion] = ()
) -> Report:
    """The report about the judged side, compared with the baseline if there is one. It has no name, time or creator.

    criteria: what a judge says of both sides.
    Raises NotComparable if the conversations of the sides cannot be paired.
    """
    if baseline is not None and spec.until_sure is not None:
        # An earlier batch that is compared with has conversations whose partners were not needed.
        baseline = _partners(baseline, judged)
    pairing = None if baseline is None else paired(judged, baseline)
    sides = [_side(spec.label, judged, spec.alpha)]
    if baseline is not None:
        sides.append(_side(spec.baseline_label, baseline, spec.alpha))
    pairs = [pair for pair in pairing.pairs if _counts_for_both(pair)] if pairing else []
    stop = None if pairing is None or spec.until_sure is None else stopped(spec.until_sure, _outcomes(pairing))
    comparison = None if pairing is None else _comparison(pairs, pairing.by, spec, stop)
    new, old = _valid(judged), None if baseline is None else _valid(baseline)
    by_criterion = criterion_summaries(spec, criteria, [new] if old is None else [new, old], pairs)
    decision = decide(spec, sides, comparison, stop, by_criterion)
    by_expectation = expectation_summaries(new, old, pairs, spec.alpha)
    return Report(
        spec=spec,
        verdict=decision.verdict,
        headline=decision.headline,
        more_conversations=decision.more,
        sides=tuple(sides),
        comparison=comparison,
        expectations=by_expectation,
        personas=persona_summaries(new, old, pairs, spec.alpha),
        coverage=coverage(judged.results),
        examples=examples(new, pairs, by_expectation),
        notes=tuple(_notes(spec, sides, [new, old or []], pairing, len(pairs))),
        cells=cells(new),
        stop=stop,
        criteria=by_criterion,
    )


def _partners(side: Evaluated, of: Evaluated) -> Evaluated:
    """The results of a side with the indexes that the other side has."""
    indexes = {result.index for result in of.results}
    return replace(side, results=[result for result in side.results if result.index in indexes])


def _counts_for_both(pair: tuple[Score, Score]) -> bool:
    return pair[0].valid and pair[1].valid


def _outcomes(pairing: Pairing) -> list[Outcome]:
    return [(pair[0].passed, pair[1].passed) if _counts_for_both(pair) else None for pair in pairing.pairs]


def _valid(side: Evaluated) -> list[Score]:
    return [result for result in side.results if result.valid]


def _side(label: str, side: Evaluated, alpha: float) -> Side:
    valid = _valid(side)
    return Side(
        label=label,
        evaluation=side.evaluation,
        batch=side.batch,
        success=rate_of(((result, result.passed) for result in valid), alpha),
        invalid=len(side.results) - len(valid),
        invalid_reasons=_counts(result.reason for result in side.results if not result.valid),
        pass_k=_pass_k(valid),
        usage=sum((result.usage for result in side.results), NO_USAGE),
        means=_means(valid),
        end_reasons=_counts(result.end_reason for result in side.results),
    )


def _counts(reasons: Iterable[str]) -> tuple[Count, ...]:
    counted_reasons = Counter(filter(None, reasons))
    ordered = sorted(counted_reasons.items(), key=lambda one: (-one[1], one[0]))
    return tuple(Count(what, times) for what, times in ordered)


def _pass_k(valid: Sequence[Score]) -> tuple[PassK, ...]:
    attempts: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for result in valid:
        attempts[result.task].append(result.passed)
    tasks = [Cluster(sum(one), len(one)) for one in attempts.values()]
    fewest = min((task.total for task in tasks), default=0)
    return tuple(PassK(k, pass_k(tasks, k), len(tasks)) for k in ATTEMPTS if k <= fewest)


def _means(valid: Sequence[Score]) -> tuple[MeanMeasure, ...]:
    found: dict[str, list[float]] = defaultdict(list)
    for result in valid:
        for one in fields(Measures):
            found[one.name].append(getattr(result.measures, one.name))
        if result.quality is not None:
            found["quality"].append(result.quality.score)
            for part in result.quality.parts:
                found[f"quality.{part.metric}"].append(part.score)
    return tuple(MeanMeasure(name, sum(values) / len(values)) for name, values in found.items())


def _comparison(pairs: Sequence[tuple[Score, Score]], by: str, spec: ReportSpec, stop: Stop | None) -> Comparison:
    table = pairs_of((new.passed, old.passed) for new, old in pairs)
    low, high = newcombe(table, spec.alpha)
    lost = [Pair(new.conversation, old.conversation) for new, old in pairs if old.passed and not new.passed]
    return Comparison(
        pairs=table.total,
        gained=table.gained,
        lost=table.lost,
        difference=table.difference,
        low=low,
        high=high,
        p=_p(spec, table, stop),
        paired_by=by,
        lost_pairs=tuple(lost[:LOST_PAIRS]),
    )


def _p(spec: ReportSpec, table: Pairs, stop: Stop | None) -> float:
    if spec.until_sure is None:
        return mid_p(table.gained, table.lost)
    return 1.0 if stop is None else 1 / stop.most


def _notes(
    spec: ReportSpec, sides: Sequence[Side], valid: Sequence[Sequence[Score]], pairing: Pairing | None, pairs: int
) -> list[str]:
    notes = list(pairing.notes) if pairing else []
    if pairing and pairs < len(pairing.pairs):
        left_out = counted(len(pairing.pairs) - pairs, "pair")
        notes.append(f"Left out of the comparison: {left_out} with an invalid conversation.")
    for side, results in zip(sides, valid, strict=False):
        notes += _repeated(side, results, spec.alpha)
        if side.invalid:
            notes.append(f"Left out as invalid: {counted(side.invalid, 'conversation')} of {side.label}.")
    if spec.until_sure is not None:
        notes.append(_FIXED)
    if spec.threshold == 1:
        notes.append("No number of conversations shows a success rate of 100 %; a threshold of 95 % can be shown.")
    return notes


def _repeated(side: Side, results: Sequence[Score], alpha: float) -> list[str]:
    """A note if sources repeat, with what that does to the interval."""
    sources = Counter(result.task[0] for result in results if result.task[0])
    if not sources or max(sources.values()) == 1:
        return []
    rate = side.success
    plain = wilson(rate.value, rate.total, alpha)
    wider = not isclose(rate.high - rate.low, plain.high - plain.low, rel_tol=1e-9)
    otherwise = f"{percent(plain.low)} to {percent(plain.high)}"
    so = f"is wider for it; otherwise it would be {otherwise}" if wider else "need not be wider"
    return [f"{rate.total:,} conversations of {side.label} come from {len(sources):,} sources: the interval {so}."]
