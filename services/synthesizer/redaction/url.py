"""Secrets in URLs: user and password, parameters with secret names, and parts that look random."""

import re
from collections.abc import Iterator

from services.synthesizer.redaction.kind import Kind, Span, apart

_END = r"\s\"'<>\\`"
_URL = re.compile(rf"://[^{_END}]+")
_USER = re.compile(rf"://([^{_END}/?#@]+)@")
_PARAMETER = re.compile(rf"(?<=[?&#;])([\w.\-\[\]%]{{1,64}})=([^{_END}&#;,)]+)")
_SECRET = re.compile(
    r"token|secret|signature|passw|pwd|api.?key|session|jwt|credential|otp|auth"
    r"|(?:^|[_.\-])(?:key|sig|sid|code|pin|pass|ticket|hash|hmac)$",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"(?<=[/=])(?=[A-Za-z_\-.]*\d)(?=[\d_\-.]*[A-Za-z])[\w\-.]*[A-Za-z0-9]{20}[\w\-.]*", re.ASCII)


def _find(text: str, _key: str) -> list[Span]:
    found = [match.span(1) for match in _USER.finditer(text)]
    found += [match.span(2) for match in _PARAMETER.finditer(text) if _SECRET.search(match[1])]
    found += _random(text)
    return apart(found)


def _random(text: str) -> Iterator[Span]:
    for url in _URL.finditer(text):
        for match in _RANDOM.finditer(text, *url.span()):
            yield match.span()


def _pseudonym(_value: str, number: int) -> str:
    return f"token{number}"


URL = Kind("url", re.compile("://|="), _find, _pseudonym)
