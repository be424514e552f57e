"""Converts calibrations from and to protos."""

from dataclasses import asdict

from google.protobuf.json_format import ParseDict

from greenroom.evaluator.v1 import calibration_pb2 as pb
from services.evaluator.calibrations.model import (
    Calibration,
    CalibrationSpec,
    Compared,
    Group,
    Shown,
    by_measure,
    unpack_measured,
)
from services.evaluator.calibrations.talk import MEANS
from shared.rpc.values import enum_number, enum_value, message_json, timestamp
from shared.work.model import State, Work


def calibration_spec(message: pb.CalibrationSpec) -> CalibrationSpec:
    """The spec."""
    return CalibrationSpec(
        batch=message.batch,
        sources=message_json(message.sources) if message.HasField("sources") else None,
        conversations=tuple(message.conversations.names),
        people=message_json(message.people) if message.HasField("people") else None,
    )


def calibration_state(number: pb.Calibration.State.ValueType) -> State | None:
    """The state to list; None for all."""
    value = enum_value(pb.Calibration.State, "STATE", number)
    return State(value) if value else None


def calibration_message(work: Work[Calibration]) -> pb.Calibration:
    """The calibration."""
    body, result = work.body, work.body.result
    return pb.Calibration(
        name=work.name,
        state=enum_number(pb.Calibration.State, "STATE", work.state),
        spec=_spec_message(body.spec),
        people=result.people if result else body.people,
        personas=result.personas if result else body.personas,
        left_out=body.left_out,
        after_opening=result is not None and result.after,
        groups=[_group(one) for one in result.groups] if result else [],
        reason=work.reason,
        detail=work.detail,
        creator=work.creator,
        create_time=timestamp(work.create_time),
        end_time=timestamp(work.end_time),
        measurers=body.measurers,
    )


def _spec_message(spec: CalibrationSpec) -> pb.CalibrationSpec:
    message = pb.CalibrationSpec()
    if spec.batch:
        message.batch = spec.batch
    elif spec.sources is not None:
        message.sources.SetInParent()
        ParseDict(dict(spec.sources), message.sources)
    else:
        message.conversations.names.extend(spec.conversations)
    message.people.SetInParent()
    ParseDict(dict(spec.people or {}), message.people)
    return message


def _group(group: Group) -> pb.CalibrationGroup:
    return pb.CalibrationGroup(
        persona=group.persona,
        display_name=group.display_name,
        conversations=group.conversations,
        distance=pb.Estimate(**group.distance._asdict()),
        floor=pb.Estimate(**group.floor._asdict()),
        differs=group.differs,
        measures=map(_compared, group.measures),
        traits=map(_shown, group.traits),
    )


def _compared(one: Compared) -> pb.ComparedMeasure:
    return pb.ComparedMeasure(
        measure=one.measure,
        means=MEANS[one.measure],
        people=one.people,
        personas=one.personas,
        people_count=one.people_count,
        personas_count=one.personas_count,
        distance=pb.Estimate(**one.distance._asdict()),
        floor=pb.Estimate(**one.floor._asdict()),
        shift=pb.Estimate(**one.shift._asdict()),
        differs=one.differs,
    )


def _shown(one: Shown) -> pb.ShownTrait:
    return pb.ShownTrait(**asdict(one))


def talk_item(event: bytes) -> pb.ConversationTalk:
    """The measures in a stored event."""
    one = unpack_measured(event)
    return pb.ConversationTalk(
        conversation=one.conversation,
        person=one.is_person,
        persona=one.persona,
        whole=by_measure(one.whole or ()),
        after_opening=by_measure(one.after or ()),
    )
