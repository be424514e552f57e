"""Payment card numbers: a known issuer, its length, and a valid check digit (Luhn, ISO/IEC 7812-1)."""

import re

from services.synthesizer.redaction.kind import DASH, SPACE, Kind, Span, apart, digits, with_digits

_S = rf"[{SPACE}{DASH}.]"
_BETWEEN = rf"[{SPACE}{DASH}._/]{{1,3}}"
"""What divides groups of digits, as in `4111 - 1111` and `4111  1111`."""
_FORMS = [
    re.compile(rf"(?<!\d)(?=({form})(?!\d))")
    for form in (
        r"\d{13,19}",
        rf"\d{{4}}{_BETWEEN}\d{{4}}{_BETWEEN}\d{{4}}{_BETWEEN}\d{{4}}",
        rf"\d{{4}}({_S})\d{{4}}\2\d{{4}}\2\d{{4}}\2\d{{3}}",
        rf"\d{{4}}{_BETWEEN}\d{{6}}{_BETWEEN}\d{{4,5}}",
        rf"(?<!\d{_S})(?<!\d[{SPACE}][{SPACE}])\d(?:(?:{_S}|[{SPACE}]{{2}})?\d){{12,18}}(?!(?:{_S}|[{SPACE}]{{2}})?\d)",
    )
]
"""The ways to write a number. They are lookaheads, because a number may begin inside another match."""
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12}"  # Discover
    r"|62\d{14,17}"  # UnionPay
    r"|(?:50|5[6-9]|6\d)\d{14,17}"  # Maestro
)
_NUMBER = re.compile(rf"(?<!\d)\d(?:{_S}?\d){{11,18}}(?!\d)")
"""What answers a question for a card, also if it is misspelt."""
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _find(text: str, _key: str) -> list[Span]:
    return apart(match.span(1) for form in _FORMS for match in form.finditer(text) if is_card(digits(match[1])))


def is_card(number: str) -> bool:
    """True if these digits are a card number."""
    return _ISSUED.fullmatch(number) is not None and _check(number[:-1]) == number[-1]


def _check(number: str) -> str:
    """The check digit after these digits."""
    total = sum(map(int, number[-2::-2])) + sum(_DOUBLED[int(digit)] for digit in number[::-2])
    return str(-total % 10)


def _pseudonym(value: str, number: int) -> str:
    """A number of the same issuer and length that no bank has issued: zeros, then the number."""
    old = digits(value)
    new = old[:2] + str(number).zfill(len(old) - 3)
    return with_digits(value, new + _check(new))


def _numbers(text: str, _key: str) -> list[Span]:
    return [match.span() for match in _NUMBER.finditer(text)]


CARD = Kind("card", re.compile(r"\d(?:\D{0,3}\d){12}"), _find, _pseudonym, digits, asked=_numbers)
