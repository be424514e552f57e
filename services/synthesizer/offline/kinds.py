"""Finds values in texts by their shape: names, ids, amounts, dates and others.

The agent fills slots with them; the persona finds what it was asked for. The shapes are in kinds.yaml.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from services.synthesizer.offline.closing import cue_of
from services.synthesizer.offline.names import names_in
from shared.yaml import load_file

_DATA = load_file(Path(__file__).with_name("kinds.yaml"))


def _any_of(alternatives: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


ASKED: Mapping[str, re.Pattern[str]] = {kind: _any_of(patterns) for kind, patterns in _DATA["asked"].items()}
"""By kind, the words that ask for it in a question, a slot's name or a description; the first match wins."""

_SHAPES: Mapping[str, re.Pattern[str]] = {kind: _any_of(patterns) for kind, patterns in _DATA["shapes"].items()}
_NEED_DIGITS = frozenset(("phone", "amount", "address"))
NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
}

_PLAIN = frozenset(_DATA["plain_words"].split())
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Mention:
    """A value in a text. label: the words before it in its sentence, after the previous value, in small letters."""

    kind: str
    value: str
    label: str


def normal(value: str) -> str:
    """A value as it is compared: without the spaces and capitals that differ from one message to the next."""
    return " ".join(value.split()).casefold()


def is_bare_phone(mention: Mention) -> bool:
    """True if the value may be a phone number without spaces."""
    return mention.kind == "id" and mention.value.isdigit() and len(mention.value) in (10, 11)


def mentions(text: str) -> tuple[Mention, ...]:
    """The values in a text, in its order, then the names. Values do not overlap; names may overlap values."""
    found: list[tuple[int, int, str]] = []
    has_digit = any(map(str.isdigit, text))
    for kind, shape in _SHAPES.items():
        if not has_digit and kind in _NEED_DIGITS:
            continue
        for match in shape.finditer(text):
            start, end = match.span()
            if not any(start < taken_end and taken < end for taken, taken_end, _ in found):
                found.append((start, end, kind))
    found.sort()
    names = names_in(text)
    result: list[Mention] = []
    before = 0
    for start, end, kind in found:
        value = text[start:end].strip(" .,;")
        label = _end_of_sentence(text[before:start])
        for name in names:
            label = label.rpartition(name.lower())[2]
        nearest = label[label.rstrip(", ").rfind(",") + 1 :]
        label = nearest if asked_kinds(nearest) else label
        zip_code = kind == "id" and len(value) == 5 and value.isdigit()
        result.append(Mention("zip" if zip_code else kind, str(NUMBERS.get(value.lower(), value)), label))
        before = end
    return (
        *result,
        *(
            Mention("name", name, f"name {_end_of_sentence(text[: max(text.find(name), 0)])}")
            for name in names
            if not _of_item(name, result)
        ),
    )


def _of_item(name: str, values: Sequence[Mention]) -> bool:
    """True if the name is the brand of a thing, as in "the Michael Kors shirt"."""
    return any(value.kind == "item" and name in value.value for value in values)


def _end_of_sentence(text: str) -> str:
    """The end of a text since its last full stop, question mark or line feed, in small letters."""
    text = text.lower()
    return text[max(map(text.rfind, ".\n?")) + 1 :][-60:]


def asked_kinds(question: str) -> tuple[str, ...]:
    """The kinds of value that a question asks for, in the order in which it names them."""
    places: list[tuple[int, str]] = []
    taken: list[tuple[int, int]] = []
    for kind, pattern in ASKED.items():
        spans = [match.span() for match in pattern.finditer(question)]
        own = [(start, end) for start, end in spans if not any(start < after and at < end for at, after in taken)]
        taken += own
        places += [(start, kind) for start, _ in own[:1]]
    return tuple(kind for _, kind in sorted(places))


def telling_words(text: str) -> frozenset[str]:
    """The content words of a text, in small letters, cut to six letters so that endings do not count."""
    return frozenset(word[:6] for word in _LETTERS.findall(text.lower()) if word not in _PLAIN and len(word) > 2)


def declared(text: str) -> str:
    """A text without its questions."""
    sentences = re.split(r"(?<=[.!?])\s+", text)
    return " ".join(sentence for sentence in sentences if not sentence.endswith("?"))


class Texts:
    """Reads texts, and caches the results of the latest ones, because a conversation is read again at each turn."""

    def __init__(self) -> None:
        remembered = lru_cache(maxsize=8192)
        self.mentions = remembered(mentions)
        self.asked_kinds = remembered(asked_kinds)
        self.telling_words = remembered(telling_words)
        self.declared = remembered(declared)
        self.cue_of = remembered(cue_of)
