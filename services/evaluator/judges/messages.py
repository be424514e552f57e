"""Converts judgements and calibrations from and to protos."""

from collections.abc import Mapping

from google.protobuf.json_format import ParseDict

from greenroom.evaluator.v1 import judge_pb2 as pb
from greenroom.synthesizer.v1 import batch_pb2
from services.evaluator.evaluations.model import EvaluationSpec
from services.evaluator.judges.calibrating import NOT_CALIBRATED, corrected_rate
from services.evaluator.judges.model import (
    Calibration,
    CriterionCalibration,
    CriterionVerdict,
    Judgement,
    JudgementSpec,
    Reply,
    Result,
    Tally,
    unpack_result,
)
from services.evaluator.statistics.wilson import wilson
from shared.model.spending import Budget
from shared.rpc.events import usage_message
from shared.rpc.values import enum_number, enum_value, message_json, timestamp
from shared.work.model import State, Work

_ALPHA = 0.05


def judgement_spec(message: pb.JudgementSpec) -> JudgementSpec:
    """The spec, without what the rubric holds."""
    subject = EvaluationSpec(
        batch=message.batch,
        sources=message_json(message.sources) if message.HasField("sources") else None,
        conversations=tuple(message.conversations.names),
    )
    return JudgementSpec(
        subject=subject,
        rubric=message.rubric,
        revision=message.revision,
        criteria="",
        models=tuple(message.models),
        repeats=message.repeats or 1,
        seed=message.seed,
        budget=_budget(message.budget) if message.HasField("budget") else None,
    )


def _budget(message: batch_pb2.Budget) -> Budget | None:
    tokens, nanos = (getattr(message, name) if message.HasField(name) else None for name in ("tokens", "nanos"))
    return None if tokens is nanos is None else Budget(tokens, nanos)


def judgement_state(number: pb.Judgement.State.ValueType) -> State | None:
    """The state to list; None for all."""
    value = enum_value(pb.Judgement.State, "STATE", number)
    return State(value) if value else None


def judgement_message(work: Work[Judgement], calibrations: Mapping[str, Calibration]) -> pb.Judgement:
    """The judgement. calibrations: the newest by judge."""
    body = work.body
    return pb.Judgement(
        name=work.name,
        state=enum_number(pb.Judgement.State, "STATE", work.state),
        spec=_spec_message(body.spec),
        judge=body.judge,
        conversations=body.judged,
        criteria=[_judged(one, calibrations.get(body.judge)) for one in body.tallies],
        usage=usage_message(body.cost),
        reason=work.reason,
        detail=work.detail,
        creator=work.creator,
        create_time=timestamp(work.create_time),
        end_time=timestamp(work.end_time),
    )


def _spec_message(spec: JudgementSpec) -> pb.JudgementSpec:
    message = pb.JudgementSpec(
        rubric=spec.rubric, revision=spec.revision, models=spec.models, repeats=spec.repeats, seed=spec.seed
    )
    if spec.subject.batch:
        message.batch = spec.subject.batch
    elif spec.subject.sources is not None:
        message.sources.SetInParent()
        ParseDict(dict(spec.subject.sources), message.sources)
    else:
        message.conversations.names.extend(spec.subject.conversations)
    if spec.budget is not None:
        message.budget.CopyFrom(batch_pb2.Budget(tokens=spec.budget.tokens, nanos=spec.budget.nanos))
    return message


def _judged(one: Tally, calibration: Calibration | None) -> pb.JudgedCriterion:
    found = next((own for own in calibration.criteria if own.id == one.id), None) if calibration else None
    alpha = calibration.alpha if calibration else _ALPHA
    why = NOT_CALIBRATED if found is None else found.why_uncalibrated
    message = pb.JudgedCriterion(
        id=one.id,
        passed=one.passed,
        failed=one.failed,
        undecided=one.undecided,
        unusable=one.unusable,
        agreement=one.agreement,
        rate=_rate(one.passed, one.passed + one.failed, alpha),
        calibration=calibration.name if calibration and found else "",
        calibrated=not why,
        why_uncalibrated=why,
    )
    if (true := corrected_rate(one, found, alpha)) is not None:
        total, (low, high) = one.passed + one.failed, true.interval
        message.corrected.CopyFrom(pb.JudgedRate(value=true.rate, low=low, high=high, count=one.passed, total=total))
    return message


def _rate(count: int, total: int, alpha: float) -> pb.JudgedRate | None:
    if not total:
        return None
    low, high = wilson(count / total, total, alpha)
    return pb.JudgedRate(value=count / total, low=low, high=high, count=count, total=total)


def result_message(result: Result) -> pb.JudgementResult:
    """The result."""
    criteria = [_verdict(one) for one in result.criteria]
    return pb.JudgementResult(conversation=result.conversation, index=result.index, criteria=criteria)


def result_item(event: bytes) -> pb.JudgementResult:
    """The result in a stored event."""
    return result_message(unpack_result(event))


def _verdict(one: CriterionVerdict) -> pb.CriterionVerdict:
    return pb.CriterionVerdict(
        id=one.id,
        outcome=enum_number(pb.CriterionVerdict.Outcome, "OUTCOME", one.outcome),
        verdict=one.verdict,
        passed=one.passed,
        turns=one.turns,
        agreement=one.agreement,
        reason=one.reason,
        detail=one.detail,
        replies=[_reply(reply) for reply in one.replies],
    )


def _reply(one: Reply) -> pb.JudgeReply:
    return pb.JudgeReply(**{name: getattr(one, name) for name in Reply.__dataclass_fields__})


def calibration_message(one: Calibration) -> pb.JudgeCalibration:
    """The calibration."""
    return pb.JudgeCalibration(
        name=one.name,
        judgement=one.judgement,
        judge=one.judge,
        rubric=one.rubric,
        revision=one.revision,
        models=one.models,
        repeats=one.repeats,
        held_back=one.held_back,
        alpha=one.alpha,
        criteria=[_calibrated(each, one.alpha) for each in one.criteria],
        problems=[pb.LabelProblem(line=each.line, sentence=each.sentence) for each in one.problems],
        problem_count=one.problem_count,
        creator=one.creator,
        create_time=timestamp(one.create_time),
    )


def _calibrated(one: CriterionCalibration, alpha: float) -> pb.CriterionCalibration:
    share = one.passed / one.labels if one.labels else 0.0
    return pb.CriterionCalibration(
        id=one.id,
        labels=one.labels,
        failures=one.failures,
        unjudged=one.unjudged,
        open_labels=one.open_labels,
        kappa=one.kappa,
        agreement=one.agreed / one.labels if one.labels else 0.0,
        base_rate=share,
        constant_agreement=max(share, 1 - share) if one.labels else 0.0,
        sensitivity=_rate(one.found, one.passed, alpha),
        specificity=_rate(one.spared, one.failures, alpha),
        calibrated=not one.why_uncalibrated,
        why_uncalibrated=one.why_uncalibrated,
        disagreements=[
            pb.Disagreement(conversation=each.conversation, label=each.label, verdict=each.verdict, turns=each.turns)
            for each in one.disagreements
        ],
    )
