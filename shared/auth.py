"""The caller of a call: read from a JWT, held in a context variable."""

import re
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import jwt

from shared.errors import FailedPrecondition, InvalidArgument, PermissionDenied, Unauthenticated
from shared.keys import read_public_key
from shared.settings import BadSetting, Settings

NAME_LENGTH = 256
"""The most characters of a company, a subject or a permission in a token."""

_SECRET_BYTES = 32
_LAST_SECOND = 253_402_300_800
"""The end of the year 9999."""


class TokenMissing(Unauthenticated):
    """The call carries no bearer token; send one in the metadata as `authorization: Bearer TOKEN`."""

    reason = "TOKEN_MISSING"


class TokenExpired(Unauthenticated):
    """The bearer token has expired; get a new one."""

    reason = "TOKEN_EXPIRED"


class TokenInvalid(Unauthenticated):
    """The bearer token is not valid: it must be signed with the server's key and name exp, sub and company as plain text."""  # noqa: E501

    reason = "TOKEN_INVALID"


class PermissionMissing(PermissionDenied):
    """The caller lacks the permission {permission}."""

    reason = "PERMISSION_MISSING"


class WeakSecret(FailedPrecondition):
    """GREENROOM_JWT_SECRET is too short to be safe; give it 32 bytes or more."""

    reason = "WEAK_SECRET"


class AmbiguousKeys(FailedPrecondition):
    """Both GREENROOM_JWT_SECRET and GREENROOM_JWT_PUBLIC_KEY are set; set the one that signs the tokens."""

    reason = "AMBIGUOUS_KEYS"


class PersonRefused(PermissionDenied):
    """The metadata greenroom-as, or --as, is honoured only on loopback and without authentication; leave it out, or send a token."""  # noqa: E501

    reason = "PERSON_REFUSED"


class PersonInvalid(InvalidArgument):
    """The metadata greenroom-as, or --as, must be a name such as anna: up to 64 letters, digits or `._@+-`, the first a letter or digit."""  # noqa: E501

    reason = "PERSON_INVALID"


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity of a caller.

    company: the caller sees the rows of this company only; every query filters on it.
    permissions: such as `batches.write`, `batches.*` or `*`.
    staff: True for people who run Greenroom.
    subject: the person or program; stored as the creator of what it starts.
    expires: when the token does, in Unix seconds.
    """

    company: str
    permissions: frozenset[str]
    staff: bool = False
    subject: str = ""
    expires: float = field(default=inf, compare=False)

    def allows(self, permission: str) -> bool:
        """True if the caller holds the permission or a wildcard that covers it."""
        held = self.permissions
        parts = permission.split(".")
        return (
            permission in held or "*" in held or any(".".join([*parts[:n], "*"]) in held for n in range(1, len(parts)))
        )

    def require(self, permission: str) -> None:
        """Raise PermissionMissing unless the caller holds the permission."""
        if not self.allows(permission):
            raise PermissionMissing(permission=permission)


DEVELOPMENT = Caller(company="development", permissions=frozenset({"*"}), staff=True, subject="developer")
"""The caller of every call on a server without authentication settings."""

_PERSON = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


def person(name: str) -> Caller:
    """Another person of the development company, with the same permissions. Raises PersonInvalid."""
    if not _PERSON.fullmatch(name):
        raise PersonInvalid
    return replace(DEVELOPMENT, subject=name)


_caller: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """The caller of the current call. Raises LookupError outside a call."""
    return _caller.get()


def seconds_left() -> float:
    """How long the token of the current call is valid, in seconds; infinite without one."""
    who = _caller.get(None)
    return inf if who is None or who.expires == inf else who.expires - time.time()


def set_caller(caller: Caller) -> None:
    """Set the caller of this task and of the tasks that it starts."""
    _caller.set(caller)


class Authenticator:
    """Turns a bearer token into a caller with the keys in the settings.

    Raises WeakSecret, AmbiguousKeys, and BadSetting for a key that cannot check tokens.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.jwt_secret is not None and settings.jwt_public_key is not None:
            raise AmbiguousKeys
        self._key: str | bytes | None = None
        # Never allow both kinds of algorithms: an attacker could use the public key as an HS256 secret.
        self._algorithms: list[str] = []
        if settings.jwt_secret is not None:
            self._key, self._algorithms = _secret(settings.jwt_secret.get_secret_value()), ["HS256"]
        elif settings.jwt_public_key is not None:
            self._key, self._algorithms = read_public_key(settings.jwt_public_key), ["RS256", "ES256"]
        self._audience, self._issuer = settings.jwt_audience, settings.jwt_issuer

    def authenticate(self, authorization: str | None) -> Caller:
        """The caller of an `authorization` header; DEVELOPMENT on a server without authentication settings.

        Raises TokenMissing, TokenExpired, TokenInvalid.
        """
        if self._key is None:
            return DEVELOPMENT
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenMissing
        try:
            claims = jwt.decode(
                token.strip(),
                self._key,
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "sub", "company"], "verify_aud": self._audience is not None},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenExpired from error
        except Exception as error:  # for some values of claims PyJWT raises errors other than its own
            raise TokenInvalid from error
        return claimed_caller(claims)


def _secret(secret: str) -> str:
    try:
        if len(secret.encode()) < _SECRET_BYTES:
            raise WeakSecret
        jwt.encode({}, secret, algorithm="HS256")
    except (jwt.InvalidKeyError, UnicodeEncodeError) as error:
        problem = "it must be random text, not the text of a key or certificate"
        raise BadSetting(name="JWT_SECRET", problem=problem) from error
    return secret


def claimed_caller(claims: Mapping[str, Any]) -> Caller:
    """The caller that the claims of a checked token name. Raises TokenInvalid."""
    company, permissions, staff = claims["company"], claims.get("permissions", []), claims.get("staff", False)
    expires = int(claims["exp"])
    if not (
        expires < _LAST_SECOND
        and _is_name(company)
        and _is_name(claims["sub"])
        and isinstance(permissions, list)
        and all(map(_is_name, permissions))
        and isinstance(staff, bool)
    ):
        raise TokenInvalid
    return Caller(
        company=company, permissions=frozenset(permissions), staff=staff, subject=claims["sub"], expires=expires
    )


def _is_name(value: object) -> bool:
    """True for text that stores can hold and people can read: no control characters, no lone surrogates."""
    return isinstance(value, str) and 0 < len(value) <= NAME_LENGTH and value.isprintable()
