"""Rubrics and revisions as messages."""

from greenroom.evaluator.v1 import rubric_pb2 as pb
from services.evaluator.rubrics.model import Revision, Rubric
from shared.rpc.values import enum_number, timestamp


def rubric_message(rubric: Rubric) -> pb.Rubric:
    """The rubric as a message."""
    return pb.Rubric(
        name=rubric.name,
        display_name=rubric.display_name,
        description=rubric.description,
        external_id=rubric.external_id,
        latest_revision=rubric.latest_revision,
        latest_ready_revision=rubric.latest_ready_revision,
        create_time=timestamp(rubric.create_time),
    )


def revision_message(revision: Revision) -> pb.RubricRevision:
    """The revision as a message."""
    return pb.RubricRevision(
        rubric=revision.rubric,
        number=revision.number,
        state=enum_number(pb.RubricRevision.State, "STATE", revision.state),
        content=revision.content.yaml,
        criteria=revision.content.criteria,
        create_time=timestamp(revision.create_time),
        ready_time=timestamp(revision.ready_time),
    )


def file(message: pb.RubricFile) -> tuple[bytes, str]:
    """The bytes and the name of a file."""
    return message.content, message.file
