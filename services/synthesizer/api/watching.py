"""What watchers of conversations and batches get."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from greenroom.synthesizer.v1 import batch_pb2
from services.synthesizer.api.convert.events import event_message
from shared.db.eventlog import StoredEvent
from shared.db.tails import Tails
from shared.model.events import Ended, Event


class Watched(NamedTuple):
    """A stored event, encoded once for all its watchers; `ends` when it ends its conversation.

    wire: a response of WatchBatch or WatchConversation, which are the same so far, with this event and nothing else.
        Serialised messages that follow one another are the serialised message that has all of them.
    """

    seq: int
    position: int
    wire: bytes
    ends: bool


def encode(unpack: Callable[[bytes], Event], stored: StoredEvent) -> Watched:
    """What watchers get for a stored event."""
    event = unpack(stored.payload)
    message = event_message(event, f"conversations/{stored.stream}", stored.create_time)
    wire = batch_pb2.WatchBatchResponse(events=[message]).SerializeToString()
    return Watched(stored.seq, stored.position or 0, wire, isinstance(event.body, Ended))


def size(watched: Watched) -> int:
    """Its bytes in a response."""
    return len(watched.wire)


def joined(watched: Sequence[Watched]) -> bytes:
    """The response with these events, without its cursor."""
    return b"".join([one.wire for one in watched])


EventTails = Tails[Watched]
