"""Sources as messages."""

from dataclasses import asdict

from greenroom.synthesizer.v1 import source_pb2
from greenroom.type.v1 import event_pb2
from services.synthesizer.sources.model import Sample, Source, SourceFilter
from shared.model.events import Resource
from shared.rpc.events import event_message, fill_resource
from shared.rpc.values import timestamp


def source_message(source: Source) -> source_pb2.Source:
    """The source as a message."""
    return source_pb2.Source(
        name=source.name,
        external_id=source.external_id,
        format=source.format,
        finished=source.finished,
        procedure=source.procedure,
        revision=source.revision,
        event_count=source.event_count,
        resource_count=source.resource_count,
        create_time=timestamp(source.create_time),
        labels=source.labels,
    )


def sample_message(sample: Sample) -> source_pb2.SourceSample:
    """The sample as a message."""
    return source_pb2.SourceSample(
        external_id=sample.external_id,
        finished=sample.finished,
        instructions=sample.instructions,
        events=[event_message(event) for event in sample.events],
        event_count=sample.event_count,
    )


def source_filter(message: source_pb2.SourceFilter) -> SourceFilter:
    """The filter in a message."""
    return SourceFilter(
        format=message.format,
        procedure=message.procedure,
        external_id=message.external_id,
        finished=message.finished,
        external_ids=tuple(message.external_ids),
        external_id_prefix=message.external_id_prefix,
        labels=tuple(message.labels),
    )


def source_filter_message(which: SourceFilter) -> source_pb2.SourceFilter:
    """The filter as a message."""
    return source_pb2.SourceFilter(**asdict(which))


def resource_message(resource: Resource) -> event_pb2.Resource:
    """The resource as a message."""
    message = event_pb2.Resource()
    fill_resource(message, resource)
    return message
