"""IP addresses, version 4 and 6, except those of the machine itself."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from services.synthesizer.redaction.kind import Kind, Span

_V4 = re.compile(r"(?<![\w.])(?<!\d,)(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)", re.ASCII)
_V6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:]|\.\d)", re.IGNORECASE | re.ASCII)
_HINT = re.compile(r"\d\.\d{1,3}\.\d|:[0-9a-f]{0,4}:", re.IGNORECASE)
_VERSION = re.compile(r"(?:\bv|version|release|build|firmware|\bver)[\s:=.\"']*$", re.IGNORECASE)
_FICTIONAL_V4, _FICTIONAL_V6 = IPv4Address("198.18.0.0"), IPv6Address("2001:db8::")
"""For benchmarks (RFC 2544) and documentation (RFC 3849)."""
_SHORTEST = 6
"""The fewest characters of an address: `a::b` is more often code."""


def _find(text: str, key: str) -> Iterator[Span]:
    for match in sorted((*_V4.finditer(text), *_V6.finditer(text)), key=lambda match: match.start()):
        address = _read(match[0])
        if address is None or address.is_loopback or len(match[0]) < _SHORTEST:
            continue
        before = f"{key[-20:]}: " if match.start() < 20 else ""
        if not _VERSION.search(before + text[max(0, match.start() - 20) : match.start()]):
            yield match.span()


def _read(value: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(value)
    except ValueError:
        return None


def _same(value: str) -> str:
    return str(_read(value))


def _pseudonym(value: str, number: int) -> str:
    return str((_FICTIONAL_V6 if ":" in value else _FICTIONAL_V4) + number)


IP = Kind("ip", _HINT, _find, _pseudonym, _same)
