"""Which kinds of values a message asks for: an answer in digits is certain then."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from shared.yaml import load_file

SAID = frozenset(("", "text", "content", "value", "message", "body", "utterance"))
"""The keys of texts that somebody says; "" is that of a text in a list."""
LONGEST = 200
"""The most characters of an answer."""
_DEPTH = 3
"""How deep in a message its texts are looked for."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def asked_in(message: Any) -> set[str]:
    """The names of the kinds that a message of any format asks for."""
    (asks, phrases), kinds = _data(), set[str]()
    for text in _said(message, _DEPTH):
        small = text.casefold()
        if asks.search(small):
            kinds |= {kind for kind, named in phrases.items() if _asks(small, named, asks)}
    return kinds


def _asks(small: str, named: re.Pattern[str], asks: re.Pattern[str]) -> bool:
    """True if a sentence names the kind and has a word that asks."""
    return bool(named.search(small)) and any(
        named.search(sentence) and asks.search(sentence) for sentence in _SENTENCE.split(small)
    )


def _said(value: Any, depth: int) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict() if depth:
            for key, member in value.items():
                if key in SAID or not isinstance(member, str):
                    yield from _said(member, depth - 1)
        case list() if depth:
            for item in value:
                yield from _said(item, depth - 1)


@cache
def _data() -> tuple[re.Pattern[str], Mapping[str, re.Pattern[str]]]:
    """What matches a word that asks, and by kind what matches a phrase that names it."""
    data = load_file(Path(__file__).with_name("asked.yaml"))
    return _any_of(data["asks"]), {kind: _any_of(phrases) for kind, phrases in data["kinds"].items()}


def _any_of(texts: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, texts)))
