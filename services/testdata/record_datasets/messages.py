"""Converts datasets of records from and to protos."""

from dataclasses import asdict

from google.protobuf.json_format import MessageToDict, ParseDict

from greenroom.testdata.v1 import record_dataset_pb2 as pb
from greenroom.testdata.v1 import record_pb2
from services.testdata.record_datasets.model import (
    RecordDataset,
    RecordDatasetRequest,
    unpack_checks,
    unpack_part,
)
from services.testdata.records.formats import Format
from services.testdata.records.messages import check_messages, wanted
from services.testdata.records.model import RecordSpec
from services.testdata.records.scenarios import spec_of
from shared.rpc.values import enum_number, enum_value, timestamp
from shared.work.model import State, Work


def dataset_request(message: pb.RecordDatasetSpec) -> RecordDatasetRequest:
    """The request to start a dataset. Raises EntityTwice."""
    asked = wanted(message.records)
    kept = record_pb2.RecordSpec()
    kept.CopyFrom(message.records)
    if kept.source.HasField("yaml"):
        kept.source.ClearField("yaml")
    return RecordDatasetRequest(
        asked,
        MessageToDict(kept, preserving_proto_field_name=True),
        Format(enum_value(record_pb2.RecordFormat, "RECORD_FORMAT", message.format) or Format.PARQUET),
        message.shard_count,
        message.destination,
    )


def record_spec(dataset: RecordDataset) -> RecordSpec:
    """What a stored dataset makes. Raises what `spec_of` raises."""
    assert dataset.pack is not None
    asked = ParseDict(dict(dataset.spec.records), record_pb2.RecordSpec())
    return spec_of(dataset.pack, wanted(asked))


def dataset_state(number: pb.RecordDataset.State.ValueType) -> State | None:
    """The state to list; None for all."""
    value = enum_value(pb.RecordDataset.State, "STATE", number)
    return State(value) if value else None


def dataset_message(work: Work[RecordDataset]) -> pb.RecordDataset:
    """The dataset, without sample rows; in lists it has no checks."""
    dataset, spec = work.body, work.body.spec
    records = ParseDict(dict(spec.records), record_pb2.RecordSpec())
    records.ClearField("samples")
    return pb.RecordDataset(
        name=work.name,
        state=enum_number(pb.RecordDataset.State, "STATE", work.state),
        spec=pb.RecordDatasetSpec(
            records=records,
            format=enum_number(record_pb2.RecordFormat, "RECORD_FORMAT", spec.format),
            destination=spec.destination,
            shard_count=spec.shard_count,
        ),
        pack_digest=dataset.pack_digest,
        part_count=dataset.part_count,
        parts_done=dataset.parts_done,
        record_count=dataset.record_count,
        records_done=dataset.records_done,
        byte_count=dataset.byte_count,
        location=dataset.location,
        reason=work.reason,
        detail=work.detail,
        creator=work.creator,
        create_time=timestamp(work.create_time),
        end_time=timestamp(work.end_time),
        checks=check_messages(unpack_checks(dataset.checks)),
    )


def part_message(event: bytes) -> pb.RecordDatasetPart:
    """The part in a stored event."""
    part = unpack_part(event)
    return pb.RecordDatasetPart(index=part.index, files=[pb.RecordDatasetFile(**asdict(one)) for one in part.files])
