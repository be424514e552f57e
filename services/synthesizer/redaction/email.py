"""E-mail addresses, also percent-encoded ones, and those with `(at)`."""

import re

from services.synthesizer.redaction.kind import Kind, Span, apart

_AT = r"(?:[@\uff20]|%40|&#64;|\\u0040)"
_ATOM = r"[\w!#$*+\-~]"
_ADDRESS = re.compile(
    # The address begins at the beginning of its atoms, or after an escape such as \n in JSON.
    rf"(?:(?<=\\[nrt])|(?<![\w!#$*+\-~\\])(?<![\w!#$*+\-~]\.)){_ATOM}++(?:\.{_ATOM}++)*+{_AT}"
    r"(?:[^\W_][\w\-]*+\.){1,10}(?:xn--[a-z0-9\-]+|[^\W\d_]{2,63})(?!\w)",
    re.IGNORECASE,
)
_SPELT_AT, _SPELT_DOT = r" ?[(\[{<] ?[aä]t ?[)\]}>] ?", r" ?[(\[{<] ?(?:dot|punkt|\.) ?[)\]}>] ?"
_NAME, _WORD_AT, _WORD_DOT = r"(?<![\w.+\-])[\w.+\-]{1,64}", r" (?:at|ät|ett) ", r" (?:dot|punkt|point) "
_SPELT = re.compile(
    rf"{_NAME}{_SPELT_AT}(?:[\w\-]{{1,63}}(?:\.|{_SPELT_DOT})){{1,5}}[^\W\d_]{{2,63}}(?!\w)", re.IGNORECASE
)
_SAID = re.compile(
    rf"{_NAME}(?:{_WORD_AT})(?:[\w\-]{{1,63}}(?:\.|{_WORD_DOT})){{1,5}}[^\W\d_]{{2,63}}(?!\w)", re.IGNORECASE
)
"""max(at)gmx.de; and max at gmx dot de, which is an address only where somebody asked for one."""
_MARK = re.compile(f"{_AT}|{_SPELT_AT}|{_WORD_AT}", re.IGNORECASE)
_DOT = re.compile(f"{_SPELT_DOT}|{_WORD_DOT}", re.IGNORECASE)


def _find(text: str, _key: str) -> list[Span]:
    return apart(match.span() for form in (_ADDRESS, _SPELT) for match in form.finditer(text))


def _said(text: str, _key: str) -> list[Span]:
    return [match.span() for match in _SAID.finditer(text)]


def _pseudonym(value: str, number: int) -> str:
    mark = _MARK.search(value)
    return f"user{number}{mark[0] if mark else '@'}example.com"


def _same(value: str) -> str:
    return _DOT.sub(".", _MARK.sub("@", value)).casefold()


EMAIL = Kind("email", re.compile(f"{_AT}|{_SPELT_AT}", re.IGNORECASE), _find, _pseudonym, _same, asked=_said)
