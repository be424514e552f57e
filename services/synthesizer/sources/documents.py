"""The content of a source as a stored document."""

from collections.abc import Sequence

from services.synthesizer.sources.transcripts import Transcript
from shared.db.documents import dump_document, load_document
from shared.model.events import Event, Resource, pack, read_resource, resource_json, unpack


def pack_source(events: Sequence[Event], resources: Sequence[Resource]) -> bytes:
    """A source's content as it is stored: one line with the resources, then one line an event.

    So a page of events decodes only its own lines.
    """
    head = dump_document({"resources": [resource_json(one) for one in resources]}) if resources else _NO_RESOURCES
    if isinstance(events, Transcript):
        return b"\n".join([head, events.packed()])
    return b"\n".join([head, *map(pack, events)])


_NO_RESOURCES = dump_document({"resources": []})


def unpack_source_events(document: bytes, after: int = 0, limit: int | None = None) -> tuple[Event, ...]:
    """Up to `limit` events after the first `after`."""
    lines = document.split(b"\n")[1 + after :]
    return tuple(map(unpack, lines[:limit]))


def unpack_source_resources(document: bytes) -> tuple[Resource, ...]:
    """The source's resources."""
    head = load_document(document.split(b"\n", 1)[0])
    return tuple(read_resource(record) for record in head["resources"])
