"""The JSON values that many records have at one place: their types, members, items and texts, in bounded memory."""

import re
from collections import Counter
from dataclasses import dataclass, field

from services.synthesizer.inference.formats import format_of
from shared.model.events import Json

MOST_MEMBERS = 100
LONGEST_NAME = 128
MOST_TEXTS = 40
LONGEST_TEXT = 60
"""Characters of a text that may belong to an enumeration."""
DEEPEST = 12
_WORD = re.compile(r"[^\W\d_](?:[^\W\d]|[ &'/.-])*")


@dataclass(slots=True)
class Room:
    """How many more places can be observed. within: a larger room, which also loses each place that is taken."""

    places: int
    within: "Room | None" = None

    def take(self) -> bool:
        """Take one place; False if there is none left."""
        if not self.places or (self.within is not None and not self.within.take()):
            return False
        self.places -= 1
        return True


@dataclass(slots=True)
class Text:
    """How many conversations have a text, and the number of the last of them."""

    conversations: int = 0
    last: int = -1


@dataclass(slots=True)
class Values:
    """The values of one place.

    types: how many values have each type of JSON Schema. formats: how many texts have each format, "" for none.
    texts: the different texts; None if there are too many or too long ones for an enumeration.
    members: of the objects, by name. others: of the members beyond MOST_MEMBERS, and of those with long names.
    items: of the arrays.
    """

    types: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    texts: dict[str, Text] | None = field(default_factory=dict)
    members: dict[str, "Values"] = field(default_factory=dict)
    others: "Values | None" = None
    items: "Values | None" = None

    @property
    def count(self) -> int:
        """How many values there are."""
        return self.types.total()

    def add(self, value: Json, conversation: int, room: Room, depth: int = 0) -> None:
        """Add a value. conversation: its number. Parts of it for which there is no room are left out."""
        self.types[type_of(value)] += 1
        if isinstance(value, str):
            self._add_text(value, conversation)
        elif depth == DEEPEST:
            return
        elif isinstance(value, dict):
            for name, member in value.items():
                if (place := self._member(name, room)) is not None:
                    place.add(member, conversation, room, depth + 1)
        elif isinstance(value, list) and value:
            if self.items is None and room.take():
                self.items = Values()
            for item in value if self.items is not None else ():
                self.items.add(item, conversation, room, depth + 1)  # type: ignore[union-attr]  # checked above

    def _add_text(self, text: str, conversation: int) -> None:
        self.formats[format_of(text)] += 1
        if self.texts is None:
            return
        if len(text) > LONGEST_TEXT or (len(self.texts) == MOST_TEXTS and text not in self.texts):
            self.texts = None
            return
        seen = self.texts.setdefault(text, Text())
        if seen.last != conversation:
            seen.conversations += 1
            seen.last = conversation

    def _member(self, name: str, room: Room) -> "Values | None":
        if name in self.members:
            return self.members[name]
        if len(self.members) < MOST_MEMBERS and len(name) <= LONGEST_NAME:
            if room.take():
                self.members[name] = Values()
            return self.members.get(name)
        if self.others is None and room.take():
            self.others = Values()
        return self.others

    def merge(self, other: "Values") -> None:
        """Add all values of another place. Forgets the texts, so that the result is no enumeration."""
        self.types += other.types
        self.formats += other.formats
        self.texts = None
        for name, member in other.members.items():
            self.members.setdefault(name, Values()).merge(member)
        if other.others is not None:
            self.others = self.others or Values()
            self.others.merge(other.others)
        if other.items is not None:
            self.items = self.items or Values()
            self.items.merge(other.items)


def type_of(value: Json) -> str:
    """The type of a JSON value in JSON Schema; `integer` for whole numbers."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case dict():
            return "object"
        case _:
            return "array"


def is_word(text: str) -> bool:
    """True for a word or a few, such as `in_transit`; not for ids, numbers and sentences."""
    return _WORD.fullmatch(text) is not None
