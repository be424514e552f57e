"""What a kind of value is: how it is found in a text, and how its pseudonyms are made."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Span = tuple[int, int]
"""Offsets in a text: from, to."""
Find = Callable[[str, str], Iterable[Span]]
"""(a text, the key of the JSON member that has it or "") → the values in the text, in order and apart."""

SPACE = r" \t\u00a0\u2007\u2009\u202f"
DASH = r"\-\u2010-\u2015"
"""Spaces within a line, and dashes, for a character class of a regular expression."""

_DIGIT, _NO_DIGIT = re.compile(r"\d"), re.compile(r"\D+")


def _itself(value: str) -> str:
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value that is redacted. Its functions take time linear in the text.

    name: in reports.
    hint: matches every text that has a value, and is fast; None to read every text.
    find: the values in a text.
    pseudonym: (a value, its number) → its pseudonym, of the same kind and, where that makes sense, the same shape.
    same: equal for all spellings of one value.
    perhaps: texts that are a value only if the conversation has the same value where it is certain.
    asked: texts that are a value if a message before asked for one (asked.yaml).
    """

    name: str
    hint: re.Pattern[str] | None
    find: Find
    pseudonym: Callable[[str, int], str]
    same: Callable[[str], str] = _itself
    perhaps: Find | None = None
    asked: Find | None = None


def digits(value: str) -> str:
    """The digits of a value as 0 to 9."""
    found = _NO_DIGIT.sub("", value)
    return found if found.isascii() else "".join(str(int(char)) for char in found)


def with_digits(value: str, new: str) -> str:
    """The value with its digits replaced by `new`, which has as many."""
    left = iter(new)
    return _DIGIT.sub(lambda _: next(left), value)


def apart(found: Iterable[Span]) -> list[Span]:
    """The spans in order, without those that overlap one before."""
    kept: list[Span] = []
    for start, end in sorted(found):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept
