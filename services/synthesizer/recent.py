"""The events that this process stored last, for its own watchers, who would only read them from bytes again."""

from shared.kept import Kept
from shared.model.events import Event, pack, unpack

_EVENTS = 1_024
"""What a second brings; watchers follow the log by less."""


class Recent:
    """Packs and unpacks events, and knows those again that it packed last."""

    def __init__(self) -> None:
        self._packed: Kept[bytes, Event] = Kept(_EVENTS)

    def pack(self, event: Event) -> bytes:
        """As `shared.model.events.pack`."""
        payload = pack(event)
        self._packed.put(payload, event)
        return payload

    def unpack(self, payload: bytes) -> Event:
        """As `shared.model.events.unpack`."""
        return self._packed.get(payload) or unpack(payload)
