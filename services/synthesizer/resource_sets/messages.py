"""Resource sets as messages."""

from greenroom.synthesizer.v1 import resource_set_pb2 as pb
from services.synthesizer.resource_sets.model import ResourceSet, ResourceSetHeader
from shared.rpc.values import timestamp


def header(message: pb.ResourceSetHeader) -> ResourceSetHeader:
    """The header in a message."""
    return ResourceSetHeader(message.resource_set_id, message.format, message.file)


def resource_set_message(stored: ResourceSet) -> pb.ResourceSet:
    """The set as a message."""
    return pb.ResourceSet(
        name=stored.name,
        types=stored.types,
        resource_count=sum(stored.types.values()),
        size=stored.size,
        creator=stored.creator,
        create_time=timestamp(stored.create_time),
    )
