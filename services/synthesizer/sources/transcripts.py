"""The messages and calls of a conversation that is read from a file, without an object for each.

Most imports only store them, and to make an event and its body takes longer than to read the JSON of its message.
"""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import overload

from shared.model.events import AgentMessage, Event, Kind, UserMessage, pack, quoted, text_template

Speaker = type[UserMessage] | type[AgentMessage]
MINUTE = 60_000
"""Milliseconds from one event to the next, if a file has no times."""
_SPEAKERS: Mapping[str, Speaker] = {"u": UserMessage, "a": AgentMessage}
_LETTERS = {speaker: letter for letter, speaker in _SPEAKERS.items()}


class Transcript(Sequence[Event]):
    """Events with seq 1, 2, 3 …, without ids, in turn 0. They are made when they are asked for."""

    @abstractmethod
    def packed(self) -> bytes:
        """What `pack` makes of the events, each on a line."""

    @abstractmethod
    def bodies(self) -> Iterator[Kind]:
        """The bodies of the events that are no messages."""

    @abstractmethod
    def _event(self, index: int) -> Event:
        """The event at this index."""

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        place = range(len(self))[index]
        return self._event(place) if isinstance(place, int) else [self._event(one) for one in place]


class Written(Transcript):
    """A transcript that is written event by event.

    last: the virtual time of the last event, in milliseconds; None if there is none.
    """

    def __init__(self) -> None:
        self.last: int | None = None
        self._entries: list[tuple[int, Speaker, str] | tuple[int, None, Kind]] = []

    def say(self, at: int, speaker: Speaker, text: str) -> None:
        """Add a message with this text."""
        self._entries.append((at, speaker, text))
        self.last = at

    def add(self, at: int, body: Kind) -> None:
        """Add any event."""
        self._entries.append((at, None, body))
        self.last = at

    def packed(self) -> bytes:
        return b"\n".join(map(self._packed, range(len(self))))

    def _packed(self, index: int) -> bytes:
        entry = self._entries[index]
        if entry[1] is None:
            return pack(self._event(index))
        return (text_template(entry[1], index + 1, entry[0]) % quoted(entry[2])).encode()

    def bodies(self) -> Iterator[Kind]:
        return (entry[2] for entry in self._entries if entry[1] is None)

    def _event(self, index: int) -> Event:
        entry = self._entries[index]
        body = entry[2] if entry[1] is None else entry[1](entry[2])
        return Event(id="", seq=index + 1, at=entry[0], turn=0, body=body)

    def __len__(self) -> int:
        return len(self._entries)


class Texts(Transcript):
    """Messages one minute after the other. All are packed at once, which takes a tenth of the time.

    quotes: what `quoted` makes of the texts.
    """

    def __init__(self, speakers: tuple[Speaker, ...], texts: Sequence[str], quotes: Sequence[str]) -> None:
        self._speakers = speakers
        self._texts = texts
        self._quotes = quotes

    def packed(self) -> bytes:
        return filled(_packed_gaps(self._speakers), self._quotes).encode()

    def short(self) -> bytes:
        """The events in half of the bytes, each on a line, for `unpack_short`."""
        return filled(_short_gaps(self._speakers), self._quotes).encode()

    def bodies(self) -> Iterator[Kind]:
        return iter(())

    def _event(self, index: int) -> Event:
        body = self._speakers[index](self._texts[index])
        return Event(id="", seq=index + 1, at=index * MINUTE, turn=0, body=body)

    def __len__(self) -> int:
        return len(self._texts)


def unpack_short(line: bytes, seq: int) -> Event:
    """The event with this seq on a line of `Texts.short`."""
    body = _SPEAKERS[line[:1].decode()](json.loads(line[1:]))
    return Event(id="", seq=seq, at=(seq - 1) * MINUTE, turn=0, body=body)


@lru_cache(maxsize=256)
def _packed_gaps(speakers: tuple[Speaker, ...]) -> list[str]:
    """As `text_template`, of all messages of a transcript; many have the same speakers in the same order."""
    return gaps("\n".join(text_template(one, seq, (seq - 1) * MINUTE) for seq, one in enumerate(speakers, start=1)))


@lru_cache(maxsize=256)
def _short_gaps(speakers: tuple[Speaker, ...]) -> list[str]:
    return gaps("\n".join(f"{_LETTERS[one]}%s" for one in speakers))


def gaps(template: str) -> list[str]:
    """A text with `%s` in several places, for `filled`."""
    pieces = template.split("%s")
    return [part for piece in pieces for part in (piece, "")][:-1]


def filled(template: list[str], texts: Sequence[str]) -> str:
    """The text with these in the places of `%s`; the operator `%` takes twice as long."""
    parts = template.copy()
    parts[1::2] = texts
    return "".join(parts)
