"""Telephone numbers: written as such, or digits that the words or the key before them call a telephone number."""

import re
from collections.abc import Iterator

from services.synthesizer.redaction.asked import SAID
from services.synthesizer.redaction.kind import DASH, SPACE, Kind, Span, apart, digits, with_digits

_SEPARATOR = rf"[{SPACE}{DASH}./]"
_LOOSE = rf"[{SPACE}{DASH}./()]{{0,3}}"
_SPELT = re.compile(
    # +49 171 1234567, 0049 (171) 1234567
    rf"(?<![\w+])(?:\+[{SPACE}(]?[1-9](?:{_LOOSE}\d){{6,14}}"
    rf"|(?<!\d{{4}}[{SPACE}])00{_SEPARATOR}?[1-9](?:{_LOOSE}\d){{8,14}})(?<=\d\d)(?!\d)"
    # (206) 555-0123, 206-555-0123, 1 206 555 0123
    rf"|(?<![\w+])(?<!\d[{DASH}./])(?:1{_SEPARATOR}{{1,2}})?(?:\(\d{{3}}\){_SEPARATOR}{{0,2}}|\d{{3}}{_SEPARATOR})"
    rf"\d{{3}}{_SEPARATOR}\d{{4}}(?![{DASH}./]?\d)"
    # (030) 1234567
    rf"|(?<![\w+])\(0?\d{{2,5}}\)(?:{_SEPARATOR}{{0,2}}\d){{6,10}}(?!\d)"
    # 0171 1234567, 030/123456, 06 12 34 56 78; not 05.01.2026 09
    rf"|(?<![\w+.,{DASH}])(?<!\d{{4}}[{SPACE}])(?!(\d\d?)([./ {DASH}])\d\d?\2(?:19|20)?\d\d(?!\2?\d))0[1-9]"
    rf"(?=\d{{0,4}}{_SEPARATOR})(?:{_SEPARATOR}{{0,3}}\d){{7,10}}(?<=\d\d)(?!\d)"
    # 01715557788: eleven digits; 015112345678: a German mobile telephone with twelve
    r"|(?<![\w+.,\-])0(?:[1-9]\d{9}|1[5-7]\d{9})(?!\w)"
)
_BARE = re.compile(rf"(?<![\w+.,])\d(?:{_SEPARATOR}?\d){{6,14}}(?![{DASH}]?\w)")
_OTHER = (
    r"order|item|product|account|track|invoice|booking|reference|ticket|case|zip|\bid\b"
    r"|wegen|bestell|auftrag|artikel|produkt|konto|sendung|rechnung|vorgang|vertrag|kunden|\bplz\b"
)
"""Words that say that the digits after them are another number."""
_OTHER_BEFORE = re.compile(rf"(?:{_OTHER})\D{{0,30}}$", re.IGNORECASE)
_CUE = re.compile(
    r"(?<![^\W_])(?:(?:(?:tele)?phones?|mobiles?|cells?|cellphones?|mob|tel|fax|whatsapp|sms|handy|telefon\w*|rufnummer"
    r"|mobil\w*|t[eé]l[eé]phone|tel[eé]fono|m[oó]vil|celular|cellulare|telefoon\w*|msisdn|contact"
    r"|(?:call|text|reach\w*|ring|contact)(?: [\w']+){0,3} (?:at|on|under)|(?:my|his|her|their|['’]s) number"
    # ich rufe Sie unter, ruf mich an, erreichen Sie mich auf, meine Nummer
    r"|(?:(?:zurück|an)?ruf\w*|anzurufen|zurückzurufen|erreich\w*)(?: [^\W\d_]+){0,4} (?:unter|auf|an)"
    r"|(?:meine|deine|seine|ihre|unsere) nummer)(?![^\W_])"
    rf"(?:(?!{_OTHER})\D){{0,60}}"
    r"|(?:call|ring|dial) |(?:call|ring|text|phone) (?:me|you|him|her|us|them)(?: back)?[:,]? "
    r"|unter (?:der )?(?=0))(?=\d)",
    re.IGNORECASE,
)
"""Words that make the digits after them a telephone number, in a text or as the key of a member."""
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a word begins in a key such as phoneNumber."""
_COUNTRY = re.compile(r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3}")
"""Calling codes (ITU-T E.164)."""


def _find(text: str, key: str) -> list[Span]:
    return apart((*(match.span() for match in _SPELT.finditer(text)), *_called(text, key)))


def _called(text: str, key: str) -> Iterator[Span]:
    bare = _bare(text, key)
    if not bare:
        return
    called = {match.end() for match in _CUE.finditer(text)}
    first, label = bare[0][0], f"{_HUMP.sub(' ', key[-40:])}: "
    if first < 60 and key not in SAID:
        labelled = _CUE.finditer(label + text[: first + 1])
        called |= {first} & {match.end() - len(label) for match in labelled}
    yield from (span for span in bare if span[0] in called)


def _bare(text: str, _key: str) -> list[Span]:
    return [match.span() for match in _BARE.finditer(text)]


def _answers(text: str, _key: str) -> list[Span]:
    return [span for span in _bare(text, "") if not _OTHER_BEFORE.search(text, max(0, span[0] - 45), span[0])]


def _same(value: str) -> str:
    """The last nine digits: with or without the code of the country it is the same telephone."""
    return digits(value)[-9:]


def _pseudonym(value: str, number: int) -> str:
    """A number of the same form; it ends with 5550101 and so on, which is fictional in America."""
    old = digits(value)
    begin = len(old) - len(old.lstrip("0"))
    if value.startswith(("+", "00")):
        country = _COUNTRY.match(old, begin)
        begin = country.end() if country else begin
        trunk = value.find("(0)")
        begin += trunk > 0 and len(digits(value[:trunk])) == begin
    elif len(old) == 11 and old.startswith("1"):
        begin = 1
    rest = len(old) - begin
    return with_digits(value, old[:begin] + str(5_550_100 + number)[-rest:].rjust(rest, "2"))


PHONE = Kind("phone", re.compile(r"\d(?:\D{0,3}\d){6}"), _find, _pseudonym, _same, _bare, _answers)
