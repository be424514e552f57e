"""The events that this process stored last, so that its own watchers need not parse them."""

from shared.db.documents import reading_record
from shared.lru import LruCache
from shared.model.events import Event, pack, unpack

_EVENTS = 1_024
"""About a second of events under load; watchers lag behind the log by less."""


class EventCache:
    """Packs and unpacks events, and caches those that it packed."""

    def __init__(self) -> None:
        self._packed: LruCache[bytes, Event] = LruCache(_EVENTS)

    def pack(self, event: Event) -> bytes:
        """Pack and cache an event; see `shared.model.events.pack`."""
        payload = pack(event)
        self._packed.put(payload, event)
        return payload

    def unpack(self, payload: bytes) -> Event:
        """The cached event, or the one that `shared.model.events.unpack` reads. Raises RecordDamaged."""
        if (cached := self._packed.get(payload)) is not None:
            return cached
        with reading_record():
            return unpack(payload)
