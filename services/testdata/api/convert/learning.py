"""Learnings, and what logs are."""

import asyncio
from collections.abc import Mapping

from greenroom.testdata.v1 import trace_learning_pb2 as pb
from services.testdata.api.convert.certificates import detection_message
from services.testdata.api.convert.workflow import workflow_message
from services.testdata.traces.learning.documents import read_learned
from services.testdata.traces.learning.formats import SESSION_GAP, Columns, LogFormat, LogKind
from services.testdata.traces.learning.kept import DEFAULT_NAME, Export, Learning, LearningSpec, LearningState, Progress
from services.testdata.traces.learning.model import Learned
from services.testdata.traces.workflow_yaml import write_yaml
from shared.rpc.values import enum_number, enum_value, timestamp

_COLUMNS = ("session", "endpoint", "timestamp", "latency", "status", "method", "fault_id", "fault_kind")
_EXPORTS: Mapping[int, Export] = {
    pb.ExportLearningRequest.KIND_TRANSITIONS: Export.TRANSITIONS,
    pb.ExportLearningRequest.KIND_NGRAMS: Export.NGRAMS,
    pb.ExportLearningRequest.KIND_SESSION_FEATURES: Export.SESSION_FEATURES,
}


def log_format(message: pb.LogFormat) -> LogFormat:
    """How to read a log."""
    return LogFormat(
        LogKind(enum_value(pb.LogFormat.Kind, "KIND", message.kind)),
        Columns(*(getattr(message.columns, name) for name in _COLUMNS)),
        message.session_gap_seconds or SESSION_GAP,
    )


def learning_spec(message: pb.LearningSpec) -> LearningSpec:
    """What to learn from."""
    return LearningSpec(
        dataset=message.dataset,
        path=message.path,
        log_format=log_format(message.format) if message.HasField("format") else None,
        workflow_name=workflow_name(message.workflow_name),
    )


def workflow_name(given: str) -> str:
    """What the learned workflow is called."""
    return given or DEFAULT_NAME


def export(kind: int) -> Export:
    """What is exported."""
    return _EXPORTS[kind]


def learning_state(number: int) -> LearningState | None:
    """The state to list; None for all."""
    value = enum_value(pb.Learning.State, "STATE", number)
    return LearningState(value) if value else None


def learning_message(learning: Learning, learned: Learned | None = None) -> pb.Learning:
    """The learning as a message, with what was learned if that is given."""
    return pb.Learning(
        name=learning.name,
        state=enum_number(pb.Learning.State, "STATE", learning.state),
        spec=None if learning.spec is None else _spec_message(learning.spec),
        learned=None if learned is None else learned_message(learned),
        bytes_done=learning.bytes_done,
        byte_count=learning.byte_count,
        reason=learning.reason,
        detail=learning.detail,
        creator=learning.creator,
        create_time=timestamp(learning.create_time),
        end_time=timestamp(learning.end_time),
    )


async def whole(learning: Learning) -> tuple[pb.Learning, str]:
    """The learning as a message with what was learned, and that as YAML; "" if there is nothing yet.

    In a thread: the largest take a tenth of a second, for which no other call is to wait.
    """

    def message(document: bytes) -> tuple[pb.Learning, str]:
        learned = read_learned(document)
        return learning_message(learning, learned), write_yaml(learned.workflow)

    if learning.document is None:
        return learning_message(learning), ""
    return await asyncio.to_thread(message, learning.document)


def progress_message(progress: Progress) -> pb.LearningProgress:
    """How far it is."""
    return pb.LearningProgress(bytes_done=progress.bytes_done, call_count=progress.calls)


def learned_message(learned: Learned) -> pb.LearnedWorkflow:
    """What was learned as a message."""
    test = learned.order_test
    return pb.LearnedWorkflow(
        spec=workflow_message(learned.workflow),
        session_count=learned.sessions,
        call_count=learned.calls,
        edges=[
            pb.LearnedEdge(
                **{"from": edge.start},
                to=edge.to,
                count=edge.count,
                probability=edge.probability,
                low=edge.low,
                high=edge.high,
            )
            for edge in learned.edges
        ],
        endpoints=[
            pb.LearnedEndpoint(
                name=one.name,
                count=one.count,
                error_rate=one.error_rate,
                latency_quantiles=one.quantiles,
                latency_mean=one.mean,
            )
            for one in learned.endpoints
        ],
        order_test=pb.OrderTest(
            g=test.g,
            degrees_of_freedom=test.degrees_of_freedom,
            p_value=test.p_value,
            bic_difference=test.bic_difference,
            order_1_is_enough=test.order_1_is_enough,
        ),
        skipped=[
            pb.SkippedRows(reason=one.reason, count=one.count, first_row=one.first_row, description=one.description)
            for one in learned.skipped
        ],
        fault_detection=None if learned.detection is None else detection_message(learned.detection),
        checkpoints=[pb.Checkpoint(call_count=one.calls, counts=one.counts) for one in learned.checkpoints],
    )


def _spec_message(spec: LearningSpec) -> pb.LearningSpec:
    message = pb.LearningSpec(workflow_name=spec.workflow_name)
    if spec.dataset:
        message.dataset = spec.dataset
    else:
        message.path = spec.path
    if (given := spec.log_format) is not None:
        columns = {name: getattr(given.columns, name) for name in _COLUMNS}
        kind = enum_number(pb.LogFormat.Kind, "KIND", given.kind)
        log = pb.LogFormat(kind=kind, columns=pb.ColumnMapping(**columns), session_gap_seconds=given.session_gap)
        message.format.CopyFrom(log)
    return message
