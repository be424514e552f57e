"""Converts evaluations from and to protos."""

from dataclasses import asdict
from typing import Any

from google.protobuf.json_format import ParseDict

from greenroom.evaluator.v1 import evaluation_pb2 as pb
from services.evaluator.evaluations.model import Evaluation, EvaluationSpec, Result, unpack_result
from services.evaluator.quality.model import Quality
from services.evaluator.scores.model import Expected, Score
from shared.rpc.events import FAULTS, usage_message
from shared.rpc.values import enum_number, enum_value, message_json, timestamp
from shared.work.model import State, Work


def evaluation_spec(message: pb.EvaluationSpec) -> EvaluationSpec:
    """The spec. Raises NumberNotFinite."""
    return EvaluationSpec(
        batch=message.batch,
        sources=_record(message.sources) if message.HasField("sources") else None,
        conversations=tuple(message.conversations.names),
        expectations=[_record(one) for one in message.expectations],
        without_defaults=message.without_defaults,
        only_these=message.only_these,
    )


def _record(message: Any) -> Any:
    return message_json(message)


def evaluation_state(number: pb.Evaluation.State.ValueType) -> State | None:
    """The state to list; None for all."""
    value = enum_value(pb.Evaluation.State, "STATE", number)
    return State(value) if value else None


def outcome(number: pb.EvaluationResult.Outcome.ValueType) -> str:
    """The outcome to list; "" for all."""
    return enum_value(pb.EvaluationResult.Outcome, "OUTCOME", number)


def evaluation_message(work: Work[Evaluation]) -> pb.Evaluation:
    """The evaluation."""
    body = work.body
    return pb.Evaluation(
        name=work.name,
        state=enum_number(pb.Evaluation.State, "STATE", work.state),
        spec=_spec_message(body.spec),
        counts=pb.EvaluationCounts(passed=body.passed, failed=body.failed, invalid=body.invalid, reused=body.reused),
        reason=work.reason,
        detail=work.detail,
        creator=work.creator,
        create_time=timestamp(work.create_time),
        end_time=timestamp(work.end_time),
        scorers=body.scorers,
        quality=body.quality,
    )


def _spec_message(spec: EvaluationSpec) -> pb.EvaluationSpec:
    message = pb.EvaluationSpec(without_defaults=spec.without_defaults, only_these=spec.only_these)
    if spec.batch:
        message.batch = spec.batch
    elif spec.sources is not None:
        message.sources.SetInParent()
        ParseDict(dict(spec.sources), message.sources)
    else:
        message.conversations.names.extend(spec.conversations)
    for record in spec.expectations:
        ParseDict(dict(record), message.expectations.add())
    return message


def result_message(result: Result) -> pb.EvaluationResult:
    """The result."""
    score = result.score
    return pb.EvaluationResult(
        **{name: getattr(score, name) for name in _PLAIN},
        outcome=enum_number(pb.EvaluationResult.Outcome, "OUTCOME", score.outcome),
        fault=FAULTS[score.fault],
        expectations=[_expected(one) for one in score.expectations],
        measures=pb.Measures(**asdict(score.measures)),
        covered=_covered(score),
        reused=result.reused,
        usage=usage_message(score.usage),
        quality=None if score.quality is None else _quality(score.quality),
    )


def result_item(event: bytes) -> pb.EvaluationResult:
    """The result in a stored event."""
    return result_message(unpack_result(event))


_PLAIN = (
    *("conversation", "index", "reason", "detail", "source", "persona", "persona_display_name"),
    *("procedure", "revision", "seed", "digest", "end_reason"),
)


def _expected(one: Expected) -> pb.ExpectationResult:
    return pb.ExpectationResult(
        id=one.id,
        text=one.text,
        outcome=enum_number(pb.ExpectationResult.Outcome, "OUTCOME", one.outcome),
        detail=one.detail,
        evidence=one.evidence,
    )


def _quality(quality: Quality) -> pb.Quality:
    parts = [
        pb.QualityPart(
            metric=one.metric, score=one.score, flagged=one.flagged, detail=one.detail, evidence=one.evidence
        )
        for one in quality.parts
    ]
    return pb.Quality(score=quality.score, parts=parts)


def _covered(score: Score) -> list[pb.Covered]:
    return [
        pb.Covered(kind=enum_number(pb.Covered.Kind, "KIND", one.kind), part=one.part, times=one.times)
        for one in score.covered
    ]
