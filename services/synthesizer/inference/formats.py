"""Tells the formats of texts, by the names that JSON Schema has for them."""

import re

_DATE = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_HEX, _BYTE = "[0-9a-fA-F]", r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_FORMATS = {
    "date": _DATE,
    "date-time": f"{_DATE}[Tt ]{_TIME}",
    "time": _TIME,
    "email": r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    "uri": r"[a-z][a-z0-9+.-]*://[^\s<>\"]+",
    "uuid": f"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}",
    "ipv4": rf"{_BYTE}(?:\.{_BYTE}){{3}}",
}
_ANY = re.compile("|".join(f"({pattern})" for pattern in _FORMATS.values()))
_NAMES = tuple(_FORMATS)
_LONGEST = 300


def format_of(text: str) -> str:
    """The text's format; "" if it has none of these."""
    found = _ANY.fullmatch(text) if len(text) <= _LONGEST else None
    return _NAMES[found.lastindex - 1] if found and found.lastindex else ""
