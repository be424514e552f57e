"""Opaque tokens that say where to continue, bound to the request they were issued for.

A token is base64url of: version (1 byte), digest of kind and scope (8), checksum (4), position as JSON. It needs no
signature: a forged token reveals nothing, because every query filters on the caller's company.
"""

import base64
import binascii
import json
from hashlib import blake2b
from typing import TypeAlias

from shared.errors import InvalidArgument, OutOfRange, Violation

Position: TypeAlias = str | int | float | list["Position"] | None
"""Where a store continues: a sequence number, or the sort key of a row."""

_VERSION = 1

_LAST_NUMBER = 2**31 - 1


class CursorExpired(OutOfRange):
    """The cursor's position no longer exists, or the cursor is from an older release; start again without one."""

    reason = "CURSOR_EXPIRED"


class CursorForeign(InvalidArgument):
    """The cursor was issued for another request; use it with the same resource, filter and order only."""

    reason = "CURSOR_FOREIGN"


class CursorMalformed(InvalidArgument):
    """This service did not issue the cursor; send back the one you received, unchanged."""

    reason = "CURSOR_MALFORMED"


def encode_token(kind: str, scope: str, position: Position) -> str:
    """A token for position.

    kind: what it continues, such as `batches.watch`. scope: everything else that must not change between the calls.
    """
    body = json.dumps(position, separators=(",", ":")).encode()
    head = bytes([_VERSION]) + _digest(f"{kind}\n{scope}".encode(), 8)
    return base64.urlsafe_b64encode(head + _digest(head + body, 4) + body).decode().rstrip("=")


def decode_token(kind: str, scope: str, token: str, *, field: str = "cursor") -> Position:
    """The position in a token of the same kind and scope.

    field: the request's field with the token, for the violation.
    Raises CursorMalformed, CursorForeign, CursorExpired.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed(field) from error
    head, checksum, body = raw[:9], raw[9:13], raw[13:]
    if not body or checksum != _digest(head + body, 4):
        raise malformed(field)
    if head[0] != _VERSION:
        raise CursorExpired
    if head[1:] != _digest(f"{kind}\n{scope}".encode(), 8):
        raise _refused(CursorForeign, field)
    try:
        position: Position = json.loads(body)
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, too many digits, or nested too deep
        raise malformed(field) from error
    return position


def number(position: Position, *, field: str, least: int = 0) -> int:
    """The position as a number of at least `least`; raises CursorMalformed for anything else, also for `true`."""
    if isinstance(position, int) and not isinstance(position, bool) and least <= position <= _LAST_NUMBER:
        return position
    raise malformed(field)


def malformed(field: str) -> InvalidArgument:
    """A CursorMalformed for this field."""
    return _refused(CursorMalformed, field)


def _refused(error: type[InvalidArgument], field: str) -> InvalidArgument:
    return error(violations=[Violation(field, str(error()))])


def _digest(data: bytes, size: int) -> bytes:
    return blake2b(data, digest_size=size).digest()
