"""International bank account numbers: the length of their country, and valid check digits (ISO 13616)."""

import re
from collections.abc import Iterator

from services.synthesizer.redaction.kind import SPACE, Kind, Span

_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FK", "FO", "FI", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    **dict.fromkeys(("LC",), 32),
    **dict.fromkeys(("RU",), 33),
}
"""Characters of an IBAN by country (SWIFT's registry, release 99)."""
_BEGIN = re.compile(r"(?<![^\W_])[A-Z]{2}\d\d(?=[^\n]{0,2}[A-Z0-9]{2})", re.IGNORECASE | re.ASCII)
_ACCOUNTS = {
    length: re.compile(rf"(?:[{SPACE}\-]{{0,2}}[A-Z0-9]){{{length - 4}}}(?![^\W_])", re.IGNORECASE)
    for length in set(_LENGTHS.values())
}


def _find(text: str, _key: str) -> Iterator[Span]:
    for begin in _BEGIN.finditer(text):
        length = _LENGTHS.get(begin[0][:2].upper())
        account = _ACCOUNTS[length].match(text, begin.end()) if length else None
        if account and _remainder(_same(begin[0] + account[0])) == 1:
            yield begin.start(), account.end()


def _same(value: str) -> str:
    return "".join(filter(str.isalnum, value)).upper()


def _remainder(iban: str) -> int:
    """1 if the check digits are valid."""
    return int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97


def _pseudonym(value: str, number: int) -> str:
    """An account of the same country: X for letters, zeros for digits, and the number at the end."""
    old = _same(value)
    account = "".join("X" if char.isalpha() else "0" for char in old[4:])
    count = str(number)
    account = account[: -len(count)] + count
    check = 98 - _remainder(f"{old[:2]}00{account}")
    new = iter(f"{old[:2]}{check:02}{account}")
    return "".join(next(new) if char.isalnum() else char for char in value)


IBAN = Kind("iban", re.compile(r"\d\d.{0,2}[^\W_]{2}"), _find, _pseudonym, _same)
