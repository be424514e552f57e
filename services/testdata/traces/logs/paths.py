"""Replace ids in paths, so that requests for different orders are calls of one endpoint."""

import re
from functools import lru_cache

ID = "{id}"

_NUMBER = re.compile(r"\d+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)
_HEX = re.compile(r"(?=.*\d)(?:0x)?[0-9a-f]{8,}", re.I)
_TOKEN = re.compile(r"[\w~=.%-]{16,}", re.A)
_SWITCH = re.compile(r"[A-Za-z](?=\d)|\d(?=[A-Za-z])")
_SWITCHES = 4
"""A long segment with at least this many changes between letter and digit is a token. A slug such as
`logstash-monitorama-2013` has fewer."""


@lru_cache(65_536)
def template(path: str) -> str:
    """The path without scheme, host, query and fragment; `{id}` for numbers, UUIDs, hex and long mixed tokens."""
    if "://" in path[:16]:
        path = "/" + path.partition("://")[2].partition("/")[2]
    path = re.split(r"[?#]", path, maxsplit=1)[0] or "/"
    return "/".join(ID if _is_id(segment) else segment for segment in path.split("/"))


def _is_id(segment: str) -> bool:
    if _NUMBER.fullmatch(segment) or _UUID.fullmatch(segment) or _HEX.fullmatch(segment):
        return True
    return bool(_TOKEN.fullmatch(segment)) and len(_SWITCH.findall(segment)) >= _SWITCHES
