"""Datasets."""

from dataclasses import asdict, dataclass

from greenroom.testdata.v1 import trace_call_pb2
from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from greenroom.testdata.v1 import trace_workflow_pb2 as workflow_pb
from services.testdata.api.convert.parameters import parameters, parameters_message
from services.testdata.api.convert.workflow import source, workflow_message
from services.testdata.traces.datasets.documents import unpack_event
from services.testdata.traces.datasets.lifecycle import DatasetRequest
from services.testdata.traces.datasets.model import Dataset, DatasetState, Milestone, Part
from services.testdata.traces.formats import Format
from shared.db.eventlog import StoredEvent
from shared.db.tails import Tails
from shared.rpc.values import enum_number, enum_value, timestamp


def dataset_request(message: pb.DatasetSpec) -> DatasetRequest:
    """What is to be started. Raises ParametersInvalid."""
    return DatasetRequest(
        workflow=source(message.workflow),
        parameters=parameters(message.parameters, "spec.parameters"),
        first=message.sessions.first,
        count=message.sessions.count,
        format=Format(enum_value(pb.DatasetSpec.Format, "FORMAT", message.format) or Format.PARQUET),
        destination=message.destination,
    )


def dataset_state(number: pb.Dataset.State.ValueType) -> DatasetState | None:
    """The state to filter by; None for all."""
    value = enum_value(pb.Dataset.State, "STATE", number)
    return DatasetState(value) if value else None


def dataset_message(dataset: Dataset) -> pb.Dataset:
    """The dataset; in lists the workflow in its spec is only a name."""
    spec = dataset.spec
    chain = workflow_pb.WorkflowSpec(name=spec.workflow)
    if dataset.workflow is not None:
        chain = workflow_message(dataset.workflow)
    return pb.Dataset(
        name=dataset.name,
        state=enum_number(pb.Dataset.State, "STATE", dataset.state),
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
        reason=dataset.reason,
        detail=dataset.detail,
        creator=dataset.creator,
        create_time=timestamp(dataset.create_time),
        end_time=timestamp(dataset.end_time),
    )


@dataclass(frozen=True, slots=True)
class WatchedDataset:
    """A stored event of a dataset, encoded once for all its watchers.

    part: None for a milestone. size: in bytes. ends: whether it is the end of the dataset, unless it is retried.
    """

    seq: int
    part: pb.DatasetPart | None
    size: int
    ends: bool


DatasetTails = Tails[WatchedDataset]


def encode(stored: StoredEvent) -> WatchedDataset:
    """What watchers get for a stored event."""
    event = unpack_event(stored.payload)
    if isinstance(event, Part):
        part = pb.DatasetPart(**asdict(event))
        return WatchedDataset(stored.seq, part, part.ByteSize(), ends=False)
    return WatchedDataset(stored.seq, None, 0, ends=event is Milestone.ENDED)
