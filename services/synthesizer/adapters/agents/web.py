"""The addresses and headers of agents over HTTP."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from shared.model.events import Json

SECRET = "{secret}"  # noqa: S105 - a placeholder
"""Stands for the secret's value in a header."""
_OURS = frozenset(
    {"host", "content-type", "content-length", "transfer-encoding", "connection", "expect", "te", "upgrade"}
)
_CREDENTIAL = re.compile(r"(proxy-)?authorization|cookie|.*(key|token|secret|password)", re.IGNORECASE)


def address_problem(url: str) -> str | None:
    """What is wrong with an address that the contract's pattern allows; None if nothing."""
    try:
        port = urlsplit(url).port
    except ValueError:
        port = 0
    return "Its port must be from 1 to 65535." if port == 0 else None


def header_problem(config: Mapping[str, Json]) -> str | None:
    """What is wrong with the headers of a config; None if nothing."""
    for name, text in config.get("headers", {}).items():
        if name.lower() in _OURS:
            return f"Leave {name} out; Greenroom sets it."
        if SECRET in text and "secret" not in config:
            return f"{name} has {SECRET} in it; name the secret in the field `secret`."
        if _CREDENTIAL.fullmatch(name) and SECRET not in text:
            return f"Headers are stored and shown; in {name} write {SECRET}, and name the secret in the field `secret`."
    return None


def with_secret(headers: Mapping[str, str], value: str) -> Mapping[str, str]:
    """The headers with the secret's value, as a bearer token unless a header says where it belongs; "" is no secret."""
    if value and not any(SECRET in text for text in headers.values()):
        return {**headers, "Authorization": f"Bearer {value}"}
    return filled(headers, value)


def filled(headers: Mapping[str, str], value: str) -> dict[str, str]:
    """The headers with the secret's value where they name it."""
    return {name: text.replace(SECRET, value) for name, text in headers.items()}
