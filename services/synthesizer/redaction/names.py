"""Names of the people who speak in a conversation."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from services.synthesizer.redaction.kind import Kind, Span
from shared.yaml import load_file

_WORD = re.compile(r"[^\W_]{2,}")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
"""Thai, Japanese, Chinese and Korean: names have no spaces, or endings, around them."""
_LONGEST_UNSPACED = 32
_SAYS_NAME = re.compile(
    r"(?:first|last|full|middle|given|family|maiden|customer|client|user|guest|renter|tenant|patient|host|driver|doctor"
    r"|contact|passenger|employee)[ _-]?name|surname|forename",
    re.IGNORECASE,
)
"""The keys of people's names in calls and results; `name` is as often that of a thing."""
_CALLED = re.compile(r"[^()@<>{}\d]{2,80}")


def told_names(value: Any) -> Iterator[str]:
    """The names of people that a JSON value has under keys such as `first_name` and `CustomerName`, also in its texts.

    A text in quotes is the text that it quotes.
    """
    match value:
        case dict():
            for key, member in value.items():
                if isinstance(member, str) and _SAYS_NAME.fullmatch(key):
                    if _CALLED.fullmatch(member):
                        yield member.strip('"')
                else:
                    yield from told_names(member)
        case list():
            for item in value:
                yield from told_names(item)
        case str() if value[:1] in ("{", "[") and _SAYS_NAME.search(value):
            try:
                yield from told_names(json.loads(value))
            except (ValueError, RecursionError):
                return
        case _:
            return


def name_kind(names: Iterable[str]) -> Kind | None:
    """The kind of the words of these names, anywhere in a text; None if they have no word that is a name.

    A word is found as it is written, in capitals, capitalised, and, unless it is also another word, in small letters.
    """
    given = list(dict.fromkeys(names))
    words = {form: word for name in given for word in _WORD.findall(name) for form in _forms(word)}
    unspaced = {run for name in given for run in _UNSPACED.findall(name) if 1 < len(run) <= _LONGEST_UNSPACED}
    lengths = sorted({len(run) for run in unspaced}, reverse=True)

    def find(text: str, _key: str) -> Iterator[Span]:
        for match in _WORD.finditer(text):
            if match[0] in words:
                yield match.span()
            elif lengths and not match[0].isascii():
                yield from _within(text, match.span(), unspaced, lengths)

    return Kind("name", None, find, _pseudonym, str.casefold) if words or unspaced else None


def _forms(word: str) -> Sequence[str]:
    small = word.lower()
    if small.rstrip("0123456789") in _data()["never"] or not any(map(str.isalpha, word)) or _UNSPACED.search(word):
        return ()
    if small in _data()["words"]:
        return word.capitalize(), word.upper()
    return word, small, word.capitalize(), word.upper()


def _within(text: str, word: Span, names: set[str], lengths: Sequence[int]) -> Iterator[Span]:
    start, end = word
    while start < end:
        length = next((one for one in lengths if text[start : start + one] in names), 0)
        if length:
            yield start, start + length
        start += length or 1


def _pseudonym(value: str, number: int) -> str:
    names = _data()["pseudonyms"]
    again, which = divmod(number - 1, len(names))
    name = f"{names[which]}{again + 1}" if again else names[which]
    return name.upper() if value.isupper() else name.lower() if value.islower() else name


@cache
def _data() -> Mapping[str, Sequence[str]]:
    data = load_file(Path(__file__).with_name("names.yaml"))
    return {"pseudonyms": data["pseudonyms"], "never": frozenset(data["never"]), "words": frozenset(data["words"])}
