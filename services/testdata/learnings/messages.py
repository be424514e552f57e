"""Converts learnings and log formats from and to protos."""

from collections.abc import Mapping

from greenroom.testdata.v1 import trace_learning_pb2 as pb
from services.testdata.learnings.model import DEFAULT_NAME, Learning, LearningSpec, read_learned, read_progress
from services.testdata.traces.certificate import Detection
from services.testdata.traces.learn.model import Export, Learned
from services.testdata.traces.logs.formats import SESSION_GAP, Columns, LogFormat, LogKind
from services.testdata.traces.workflow_yaml import write_yaml
from services.testdata.workflows.messages import workflow_message
from shared.rpc.values import enum_number, enum_value, timestamp
from shared.work.model import State, Work

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
    """The name of the learned workflow."""
    return given or DEFAULT_NAME


def export(kind: int) -> Export:
    """The export of this kind."""
    return _EXPORTS[kind]


def learning_state(number: int) -> State | None:
    """The state to list; None for all."""
    value = enum_value(pb.Learning.State, "STATE", number)
    return State(value) if value else None


def learning_message(work: Work[Learning], learned: Learned | None = None) -> pb.Learning:
    """The learning, with what was learned if that is given."""
    learning = work.body
    return pb.Learning(
        name=work.name,
        state=enum_number(pb.Learning.State, "STATE", work.state),
        spec=None if learning.spec is None else _spec_message(learning.spec),
        learned=None if learned is None else learned_message(learned),
        bytes_done=learning.bytes_done,
        byte_count=learning.byte_count,
        reason=work.reason,
        detail=work.detail,
        creator=work.creator,
        create_time=timestamp(work.create_time),
        end_time=timestamp(work.end_time),
    )


def whole(work: Work[Learning]) -> tuple[pb.Learning, str]:
    """The learning with what was learned, and that as YAML ("" until it is COMPLETED). May take a tenth of a second."""
    if work.body.result is None:
        return learning_message(work), ""
    learned = read_learned(work.body.result)
    return learning_message(work, learned), write_yaml(learned.workflow)


def progress_message(event: bytes) -> pb.LearningProgress:
    """The progress in a stored event."""
    progress = read_progress(event)
    return pb.LearningProgress(bytes_done=progress.bytes_done, call_count=progress.calls)


def learned_message(learned: Learned) -> pb.LearnedWorkflow:
    """What was learned."""
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


def detection_message(found: Detection) -> pb.FaultDetection:
    """How faults were detected."""
    return pb.FaultDetection(
        detector=found.detector, precision=found.precision, recall=found.recall, f1=found.f1, faults=found.faults
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
