"""What people say of themselves and their business, found by its shape: names, ids, amounts, dates and the like.

Both sides use it: the agent to fill its slots, the persona to find what it was asked for. The shapes are in kinds.yaml.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from shared.yaml import load

_DATA = load(Path(__file__).with_name("kinds.yaml").read_bytes(), "kinds.yaml")


def _any_of(alternatives: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


ASKED: Mapping[str, re.Pattern[str]] = {kind: _any_of(patterns) for kind, patterns in _DATA["asked"].items()}
"""By kind, how a question, a slot's name or its description speaks of it; earlier kinds win where several do."""

_SHAPES: Mapping[str, re.Pattern[str]] = {kind: _any_of(patterns) for kind, patterns in _DATA["shapes"].items()}
_NEED_DIGITS = frozenset(("phone", "amount", "address", "id"))
_NUMBERS = {
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

_NO_NAMES = frozenset(_DATA["no_names"].split())
_PLAIN = frozenset(_DATA["plain_words"].split())
_FILLERS = "|".join(sorted(_DATA["fillers"], key=len, reverse=True))
FILLER = re.compile(rf"^(?:\W+|(?:{_FILLERS})\b[\s,:!.]*)+", re.IGNORECASE)
"""What a reply begins with and does not mean."""

_NAME = r"[A-Z][a-zA-Z'’-]+(?:\s+[A-Z]\.?)?(?:\s+[A-Z][a-zA-Z'’-]+){1,2}"
_INTRODUCED = re.compile(rf"(?i:{'|'.join(_DATA['introductions'])})({_NAME})")
_SAID_TO_BE = re.compile(r"\bname\s*(?:is|'s|:|-)\s*([a-z][a-z'’-]+\s+[a-z][a-z'’-]+)", re.IGNORECASE)
_CAPITALISED = re.compile(_NAME)


@dataclass(frozen=True, slots=True)
class Mention:
    """A value in a text; `label`: what stands before it in its sentence, behind the value before, in small letters."""

    kind: str
    value: str
    label: str


@lru_cache(maxsize=8192)
def mentions(text: str) -> tuple[Mention, ...]:
    """The values in a text, in its order, then the names; no character belongs to two of them, but for names."""
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
    result: list[Mention] = []
    before = 0
    for start, end, kind in found:
        value = text[start:end].strip(" .,;")
        label = text[before:start].lower()
        label = label[max(map(label.rfind, ".\n?")) + 1 :][-60:]
        zip_code = kind == "id" and len(value) == 5 and value.isdigit()
        result.append(Mention("zip" if zip_code else kind, str(_NUMBERS.get(value.lower(), value)), label))
        before = end
    return (*result, *_names(text))


def _names(text: str) -> list[Mention]:
    introduced = [*_INTRODUCED.findall(text)] or [*_SAID_TO_BE.findall(text)]
    names = [name for name in map(name_in, introduced) if name]
    if not names:
        # A sentence that is nothing but a name, or begins with one, needs no introduction.
        for sentence in re.split(r"[.;:!?\n]", text):
            head = re.split(r",|\b(?:and|my|is|here|speaking)\b", FILLER.sub("", sentence), maxsplit=1)[0].strip()
            if _CAPITALISED.fullmatch(head) and name_in(head) == head:
                names.append(head)
    return [Mention("name", name, "name") for name in names]


def name_in(text: str) -> str:
    """The first two or three words on end that may be a person's name; "" when there are none."""
    words: list[str] = []
    for word in re.findall(r"[^\s,.;:!?()\"]+", text):
        if word.lower() in _NO_NAMES or not re.fullmatch(r"[A-Za-zÀ-ÿ'’-]+", word):
            if len(words) > 1:
                break
            words = []
        else:
            words.append(word)
            if len(words) == 3:
                break
    return " ".join(words) if len(words) > 1 else ""


@lru_cache(maxsize=8192)
def asked_kinds(question: str) -> tuple[str, ...]:
    """The kinds of value that a question asks for, in the order in which it names them."""
    places: list[tuple[int, str]] = []
    taken: list[tuple[int, int]] = []
    for kind, pattern in ASKED.items():
        for match in pattern.finditer(question):
            if not any(match.start() < end and start < match.end() for start, end in taken):
                taken.append(match.span())
                places.append((match.start(), kind))
                break
    return tuple(kind for _, kind in sorted(places))


@lru_cache(maxsize=8192)
def telling_words(text: str) -> frozenset[str]:
    """The words that say what a text is about, in small letters, cut to six letters so that endings do not count."""
    return frozenset(word[:6] for word in re.findall(r"[a-z]+", text.lower()) if word not in _PLAIN and len(word) > 2)


@lru_cache(maxsize=8192)
def declared(text: str) -> str:
    """A text without its questions."""
    sentences = re.split(r"(?<=[.!?])\s+", text)
    return " ".join(sentence for sentence in sentences if not sentence.endswith("?"))
