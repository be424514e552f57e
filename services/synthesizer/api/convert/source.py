"""Sources and what an import came to."""

from greenroom.synthesizer.v1 import import_pb2, source_pb2
from greenroom.type.v1 import event_pb2
from services.synthesizer.api.convert.events import fill_resource
from services.synthesizer.catalog.imports import Summary
from services.synthesizer.ports import SourceFilter
from services.synthesizer.source import Source
from shared.model.events import Resource
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
    )


def source_filter(message: source_pb2.SourceFilter) -> SourceFilter:
    """The filter in a message."""
    return SourceFilter(message.format, message.procedure, message.external_id, message.finished)


def resource_message(resource: Resource) -> event_pb2.Resource:
    """The resource as a message."""
    message = event_pb2.Resource()
    fill_resource(message, resource)
    return message


def summary_message(summary: Summary) -> import_pb2.ImportSummary:
    """What an import came to as a message."""
    return import_pb2.ImportSummary(
        imported=summary.imported,
        unchanged=summary.unchanged,
        refused=summary.refused,
        problems=[
            import_pb2.ImportProblem(
                file=summary.file, line=problem.line, reason=problem.reason, description=problem.description
            )
            for problem in summary.problems
        ],
    )
