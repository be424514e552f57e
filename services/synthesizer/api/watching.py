"""What watchers of conversations and batches get."""

from typing import NamedTuple

from greenroom.type.v1 import event_pb2
from services.synthesizer.api.convert.events import event_message
from shared.db.eventlog import StoredEvent
from shared.db.tails import Tails
from shared.model.events import Ended, unpack


class Watched(NamedTuple):
    """A stored event, encoded once for all its watchers; `ends` when it ends its conversation, size in bytes."""

    seq: int
    position: int
    message: event_pb2.Event
    size: int
    ends: bool


def encode(stored: StoredEvent) -> Watched:
    """What watchers get for a stored event."""
    event = unpack(stored.payload)
    message = event_message(event, f"conversations/{stored.stream}", stored.create_time)
    return Watched(stored.seq, stored.position or 0, message, message.ByteSize(), isinstance(event.body, Ended))


EventTails = Tails[Watched]
