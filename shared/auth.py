"""Who calls: a company, and what the caller may do there. Read from a JWT, carried in a context variable."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import jwt

from shared.errors import FailedPrecondition, PermissionDenied, Unauthenticated
from shared.settings import Settings


class TokenMissing(Unauthenticated):
    """The call carries no bearer token; send one in the metadata as `authorization: Bearer TOKEN`."""

    reason = "TOKEN_MISSING"


class TokenExpired(Unauthenticated):
    """The bearer token has expired; get a new one."""

    reason = "TOKEN_EXPIRED"


class TokenInvalid(Unauthenticated):
    """The bearer token is not valid: it must be signed with the server's key and name exp, sub and company."""

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


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call.

    company: whose rows the caller sees; every query filters on it.
    permissions: such as `batches.write`, `batches.*` or `*`.
    staff: whether it belongs to those who run Greenroom.
    subject: the person or program, for what is recorded as creator.
    """

    company: str
    permissions: frozenset[str]
    staff: bool = False
    subject: str = ""

    def allows(self, permission: str) -> bool:
        """Whether the caller holds permission, by itself or by a wildcard."""
        held = self.permissions
        parts = permission.split(".")
        return (
            permission in held or "*" in held or any(".".join([*parts[:n], "*"]) in held for n in range(1, len(parts)))
        )

    def require(self, permission: str) -> None:
        """Raises PermissionMissing unless the caller holds permission."""
        if not self.allows(permission):
            raise PermissionMissing(permission=permission)


DEVELOPMENT = Caller(company="development", permissions=frozenset({"*"}), staff=True, subject="developer")
"""Everyone, on a server without authentication settings."""

_caller: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """Who makes the call that is being answered. Raises LookupError outside of one."""
    return _caller.get()


def set_caller(caller: Caller) -> None:
    """Make caller the one of this task and of the tasks it starts."""
    _caller.set(caller)


class Authenticator:
    """Turns a bearer token into a caller, by the keys in settings.

    Raises WeakSecret, AmbiguousKeys when made with keys that cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.jwt_secret is not None and settings.jwt_public_key is not None:
            raise AmbiguousKeys
        self._key: str | bytes | None = None
        # Symmetric and public keys never share a list of algorithms: a public key must not pass as an HS256 secret.
        self._algorithms: list[str] = []
        if settings.jwt_secret is not None:
            self._key, self._algorithms = settings.jwt_secret.get_secret_value(), ["HS256"]
            if len(self._key.encode()) < 32:
                raise WeakSecret
        elif settings.jwt_public_key is not None:
            self._key, self._algorithms = settings.jwt_public_key.read_bytes(), ["RS256", "ES256"]
        self._audience, self._issuer = settings.jwt_audience, settings.jwt_issuer

    def authenticate(self, authorization: str | None) -> Caller:
        """The caller whom an `authorization` header names; the development one without authentication settings.

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
        except jwt.PyJWTError as error:
            raise TokenInvalid from error
        return _caller_of(claims)


def _caller_of(claims: Mapping[str, Any]) -> Caller:
    company, permissions, staff = claims["company"], claims.get("permissions", []), claims.get("staff", False)
    if not (
        isinstance(company, str)
        and company
        and isinstance(permissions, list)
        and all(isinstance(permission, str) for permission in permissions)
        and isinstance(staff, bool)
    ):
        raise TokenInvalid
    return Caller(company=company, permissions=frozenset(permissions), staff=staff, subject=claims["sub"])
