"""The content of a source as a stored document."""

from collections.abc import Sequence

from services.synthesizer.sources.transcripts import Texts, Transcript, unpack_short
from shared.db.documents import dump_document, load_document
from shared.model.events import Event, Resource, pack, read_resource, resource_json, unpack


def pack_source(events: Sequence[Event], resources: Sequence[Resource]) -> bytes:
    """A source's content: one line with the resources, then one line an event.

    So a page of events decodes only its own lines. Equal contents are equal bytes, of which digests are made.
    """
    head = dump_document({"resources": [resource_json(one) for one in resources]}) if resources else _NO_RESOURCES
    if isinstance(events, Texts | Transcript):  # in this order: Texts are most, and the check of others is slow
        return b"\n".join([head, events.packed()])
    return b"\n".join([head, *map(pack, events)])


_NO_RESOURCES = dump_document({"resources": []})


def shorten_source(packed: bytes, events: Sequence[Event]) -> bytes:
    """The content that `pack_source` packed as it is stored: if it is nothing but texts, in half of the bytes."""
    if not isinstance(events, Texts) or not packed.startswith(_NO_RESOURCES):
        return packed
    return b"\n".join([_NO_RESOURCES, events.short()])


def unpack_source_events(document: bytes, after: int = 0, limit: int | None = None) -> tuple[Event, ...]:
    """Up to `limit` events after the first `after`, of packed or stored content."""
    lines = document.split(b"\n")[1 + after :][:limit]
    return tuple(
        unpack(line) if line.startswith(b"{") else unpack_short(line, seq)
        for seq, line in enumerate(lines, start=after + 1)
    )


def unpack_source_resources(document: bytes) -> tuple[Resource, ...]:
    """The source's resources."""
    head = load_document(document.split(b"\n", 1)[0])
    return tuple(read_resource(record) for record in head["resources"])
