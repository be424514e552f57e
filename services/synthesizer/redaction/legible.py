"""Texts as people read them: without invisible characters, and with full-width characters as plain ones."""

import re
from collections.abc import Callable, Iterator

from services.synthesizer.redaction.kind import Span

_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_ODD = re.compile(rf"[{_INVISIBLE}\u3002\uff01-\uff5e]")
_UNSEEN = re.compile(rf"[{_INVISIBLE}]+")
_PLAIN = {0x3002: "."} | {0xFF01 + place: chr(0x21 + place) for place in range(94)}


def legible(text: str) -> str:
    """The text as people read it."""
    return _UNSEEN.sub("", text).translate(_PLAIN) if _ODD.search(text) else text


def readings(text: str) -> Iterator[tuple[str, Callable[[Span], Span]]]:
    """The text as people read it, if it differs, and as it is; each with what maps its offsets to those of the text."""
    if _ODD.search(text):
        places = [place for place, char in enumerate(text) if not _UNSEEN.match(char)]
        yield legible(text), lambda span: (places[span[0]], places[span[1] - 1] + 1)
    yield text, lambda span: span
