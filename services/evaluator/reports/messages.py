"""Reports as messages."""

import json
from dataclasses import asdict

from greenroom.evaluator.v1 import evaluation_pb2
from greenroom.evaluator.v1 import report_pb2 as pb
from services.evaluator.reports.errors import ReportInvalid
from services.evaluator.reports.model import (
    Comparison,
    Count,
    Covered,
    CriterionRate,
    CriterionSummary,
    ExpectationSummary,
    PersonaSummary,
    Rate,
    Report,
    ReportSpec,
    Side,
)
from shared.errors import Violation
from shared.rpc.events import usage_message
from shared.rpc.values import enum_number, message_json, timestamp
from shared.statistics.until_sure import Rule, Stop, rule_of

_ALPHA, _MARGIN, _MOST_INVALID = 0.05, 0.1, 0.2


def read_spec(message: pb.ReportSpec) -> ReportSpec:
    """The spec in a message, with every default filled in. Raises ReportInvalid."""
    wrong = _wrong(message)
    if wrong:
        raise ReportInvalid(violations=wrong)
    return ReportSpec(
        evaluation=message.evaluation,
        baseline=message.baseline,
        label=message.label or "new",
        baseline_label=message.baseline_label or "baseline",
        threshold=message.threshold if message.HasField("threshold") else None,
        alpha=message.alpha or _ALPHA,
        margin=message.margin if message.HasField("margin") else _MARGIN,
        most_invalid=message.most_invalid if message.HasField("most_invalid") else _MOST_INVALID,
        until_sure=_rule(message.until_sure) if message.HasField("until_sure") else None,
        judgement=message.judgement,
        baseline_judgement=message.baseline_judgement,
        judge_threshold=message.judge_threshold if message.HasField("judge_threshold") else None,
    )


def _wrong(message: pb.ReportSpec) -> list[Violation]:
    wrong = []
    if message.HasField("until_sure"):
        if not message.baseline:
            wrong.append(Violation("spec.until_sure", "Pairs need two sides; name a baseline too."))
        if message.HasField("threshold"):
            sentence = "Pairs are played until two sides differ; leave the threshold out."
            wrong.append(Violation("spec.threshold", sentence))
        if message.judgement:
            sentence = "A judge's criteria are tested once, over all pairs; leave the judge out, or until_sure."
            wrong.append(Violation("spec.judgement", sentence))
    if bool(message.baseline_judgement) != bool(message.judgement and message.baseline):
        sentence = "Name a judgement of each side: of the baseline too if there is one, and only then."
        wrong.append(Violation("spec.baseline_judgement", sentence))
    return wrong


def _rule(message: pb.UntilSure) -> Rule:
    """The rule with every default filled in."""
    return rule_of(**{field.name: value for field, value in message.ListFields()})


def report_message(report: Report) -> pb.Report:
    """The report as a message."""
    return pb.Report(
        name=report.name,
        spec=_spec(report.spec),
        verdict=enum_number(pb.Report.Verdict, "VERDICT", report.verdict),
        headline=report.headline,
        more_conversations=report.more_conversations,
        stop=None if report.stop is None else _stop(report.spec, report.stop),
        sides=map(_side, report.sides),
        comparison=None if report.comparison is None else _comparison(report.comparison),
        expectations=map(_expectation, report.expectations),
        personas=map(_persona, report.personas),
        coverage=map(_covered, report.coverage),
        examples=[
            pb.Example(
                conversation=one.conversation,
                baseline=one.baseline,
                expectation=one.expectation,
                detail=one.detail,
                evidence=one.evidence,
                persona=one.persona,
                source=one.source,
            )
            for one in report.examples
        ],
        notes=report.notes,
        create_time=timestamp(report.create_time),
        creator=report.creator,
        cells=[
            pb.Cell(persona=one.persona, expectation=one.expectation, met=one.met, applies=one.applies)
            for one in report.cells
        ],
        criteria=map(_criterion, report.criteria),
    )


def report_json(report: Report) -> str:
    """The report as proto JSON with the contract's field names."""
    return json.dumps(message_json(report_message(report)), indent=2) + "\n"


def _spec(spec: ReportSpec) -> pb.ReportSpec:
    return pb.ReportSpec(
        evaluation=spec.evaluation,
        baseline=spec.baseline,
        label=spec.label,
        baseline_label=spec.baseline_label if spec.baseline else "",
        threshold=spec.threshold,
        alpha=spec.alpha,
        margin=spec.margin,
        most_invalid=spec.most_invalid,
        until_sure=None if spec.until_sure is None else pb.UntilSure(**asdict(spec.until_sure)),
        judgement=spec.judgement,
        baseline_judgement=spec.baseline_judgement,
        judge_threshold=spec.judge_threshold,
    )


def _stop(spec: ReportSpec, stop: Stop) -> pb.Stop:
    return pb.Stop(
        reason=enum_number(pb.Stop.Reason, "REASON", stop.reason),
        played=stop.played,
        pairs=stop.pairs,
        gained=stop.gained,
        lost=stop.lost,
        e_value=stop.evidence,
        needed=spec.until_sure.needed if spec.until_sure else 0.0,
    )


def _side(side: Side) -> pb.ReportSide:
    return pb.ReportSide(
        label=side.label,
        evaluation=side.evaluation,
        batch=side.batch,
        success=_rate(side.success),
        invalid=side.invalid,
        invalid_reasons=map(_count, side.invalid_reasons),
        pass_k=[pb.PassK(k=one.k, value=one.value, tasks=one.tasks) for one in side.pass_k],
        usage=usage_message(side.usage),
        means=[pb.MeanMeasure(measure=one.measure, mean=one.mean) for one in side.means],
        end_reasons=map(_count, side.end_reasons),
    )


def _rate(rate: Rate) -> pb.Rate:
    return pb.Rate(successes=rate.successes, total=rate.total, value=rate.value, low=rate.low, high=rate.high)


def _count(count: Count) -> pb.Count:
    return pb.Count(what=count.what, times=count.times)


def _comparison(found: Comparison) -> pb.Comparison:
    return pb.Comparison(
        pairs=found.pairs,
        gained=found.gained,
        lost=found.lost,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p=found.p,
        paired_by=found.paired_by,
        lost_pairs=[pb.Pair(conversation=one.conversation, baseline=one.baseline) for one in found.lost_pairs],
    )


def _expectation(one: ExpectationSummary) -> pb.ExpectationSummary:
    return pb.ExpectationSummary(
        id=one.id,
        text=one.text,
        met=_rate(one.met),
        baseline_met=None if one.baseline_met is None else _rate(one.baseline_met),
        p=one.p,
        difference=one.difference,
    )


def _criterion(one: CriterionSummary) -> pb.CriterionSummary:
    return pb.CriterionSummary(
        id=one.id,
        question=one.question,
        rate=_criterion_rate(one.rate),
        baseline_rate=None if one.baseline_rate is None else _criterion_rate(one.baseline_rate),
        calibrated=not one.why_uncalibrated,
        why_uncalibrated=one.why_uncalibrated,
        calibration=one.calibration,
        p=one.p,
        difference=one.difference,
        fails=one.fails is not None,
    )


def _criterion_rate(rate: CriterionRate) -> pb.CriterionRate:
    corrected = None if rate.corrected is None else pb.CorrectedRate(**asdict(rate.corrected))
    return pb.CriterionRate(judged=_rate(rate.judged), corrected=corrected, without_verdict=rate.without_verdict)


def _persona(one: PersonaSummary) -> pb.PersonaSummary:
    return pb.PersonaSummary(
        persona=one.persona,
        display_name=one.display_name,
        success=_rate(one.success),
        baseline_success=None if one.baseline_success is None else _rate(one.baseline_success),
        p=one.p,
    )


def _covered(one: Covered) -> evaluation_pb2.Covered:
    kind = enum_number(evaluation_pb2.Covered.Kind, "KIND", one.kind)
    return evaluation_pb2.Covered(kind=kind, part=one.part, times=one.times)
