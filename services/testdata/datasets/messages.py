"""Converts datasets from and to protos."""

from dataclasses import asdict

from greenroom.testdata.v1 import trace_call_pb2
from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from greenroom.testdata.v1 import trace_workflow_pb2 as workflow_pb
from services.testdata.datasets.model import Dataset, DatasetRequest, unpack_part
from services.testdata.streams.messages import parameters, parameters_message
from services.testdata.traces.formats import Format
from services.testdata.workflows.messages import source, workflow_message
from shared.rpc.values import enum_number, enum_value, timestamp
from shared.work.model import State, Work


def dataset_request(message: pb.DatasetSpec) -> DatasetRequest:
    """The request to start a dataset. Raises ParametersInvalid."""
    return DatasetRequest(
        workflow=source(message.workflow),
        parameters=parameters(message.parameters, "spec.parameters"),
        first=message.sessions.first,
        count=message.sessions.count,
        format=Format(enum_value(pb.DatasetSpec.Format, "FORMAT", message.format) or Format.PARQUET),
        destination=message.destination,
    )


def dataset_state(number: pb.Dataset.State.ValueType) -> State | None:
    """The state to list; None for all."""
    value = enum_value(pb.Dataset.State, "STATE", number)
    return State(value) if value else None


def dataset_message(work: Work[Dataset]) -> pb.Dataset:
    """The dataset; in lists its workflow has only a name."""
    dataset, spec = work.body, work.body.spec
    chain = workflow_pb.WorkflowSpec(name=spec.workflow)
    if dataset.workflow is not None:
        chain = workflow_message(dataset.workflow)
    return pb.Dataset(
        name=work.name,
        state=enum_number(pb.Dataset.State, "STATE", work.state),
        spec=pb.DatasetSpec(
            workflow=workflow_pb.WorkflowSource(spec=chain),
            parameters=parameters_message(spec.parameters),
            sessions=trace_call_pb2.SessionRange(first=spec.first, count=spec.count),
            format=enum_number(pb.DatasetSpec.Format, "FORMAT", spec.format),
            destination=spec.destination,
        ),
        workflow_digest=dataset.workflow_digest,
        algorithm=dataset.algorithm,
        part_count=dataset.part_count,
        parts_done=dataset.parts_done,
        session_count=spec.count,
        sessions_done=dataset.sessions_done,
        call_count=dataset.call_count,
        byte_count=dataset.byte_count,
        location=dataset.location,
        reason=work.reason,
        detail=work.detail,
        creator=work.creator,
        create_time=timestamp(work.create_time),
        end_time=timestamp(work.end_time),
    )


def part_message(event: bytes) -> pb.DatasetPart:
    """The part in a stored event."""
    return pb.DatasetPart(**asdict(unpack_part(event)))
