"""Peer credentials: a service that works for somebody calls other services in that person's name.

A credential is a short-lived JWT, signed with the key of the house. It travels as metadata between services only:
servers that face callers refuse it, and the gateway never forwards it.
"""

import json
import time
from typing import Self

import jwt

from shared.auth import Caller, claimed_caller
from shared.errors import FailedPrecondition, PermissionDenied, Unauthenticated
from shared.settings import BadSetting, Settings

PEER_KEY = "greenroom-peer"
"""The metadata that carries a credential; also its audience."""

LONGEST_SECONDS = 60
"""How long a credential may be valid at most."""

_SECONDS = 30
"""How long ours are valid; the rest is for clocks that differ."""
_KEY_BYTES = 32


class PeerCredentialRefused(PermissionDenied):
    """The metadata greenroom-peer is for calls between Greenroom's own services; this server does not take it, so leave it out."""  # noqa: E501

    reason = "PEER_CREDENTIAL_REFUSED"


class PeerCredentialExpired(Unauthenticated):
    """The peer credential has expired; if it is new, the clocks of the services differ."""

    reason = "PEER_CREDENTIAL_EXPIRED"


class PeerCredentialInvalid(Unauthenticated):
    """The peer credential is not valid; give all services the same GREENROOM_HOUSE_KEY."""

    reason = "PEER_CREDENTIAL_INVALID"


class HouseKeyMissing(FailedPrecondition):
    """This server cannot act for its callers without a key of the house; set the same GREENROOM_HOUSE_KEY for all services."""  # noqa: E501

    reason = "HOUSE_KEY_MISSING"


class HouseKey:
    """Signs and checks credentials."""

    def __init__(self, key: str) -> None:
        self._key = key

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The key in the settings; None if there is none. Raises BadSetting for one that is not safe."""
        if settings.house_key is None:
            return None
        key = settings.house_key.get_secret_value()
        secret = settings.jwt_secret
        if len(key.encode()) < _KEY_BYTES:
            raise BadSetting(name="HOUSE_KEY", problem="it must have 32 bytes or more")
        if secret is not None and secret.get_secret_value() == key:
            # A bearer token of the same key would be a way to make credentials.
            raise BadSetting(name="HOUSE_KEY", problem="it must differ from GREENROOM_JWT_SECRET")
        try:
            jwt.encode({}, key, algorithm="HS256")
        except jwt.InvalidKeyError as error:
            problem = "it must be random text, not the text of a key or certificate"
            raise BadSetting(name="HOUSE_KEY", problem=problem) from error
        return cls(key)

    def credential(self, starter: Caller) -> str:
        """A credential with which a peer acts for this caller during the next seconds."""
        claims = {"aud": PEER_KEY, "exp": int(time.time()) + _SECONDS, **_claims(starter)}
        return jwt.encode(claims, self._key, algorithm="HS256")

    def caller(self, credential: object) -> Caller:
        """The caller that a credential names. A stream may outlive it, because the peer that opened the stream ends it.

        Raises PeerCredentialExpired, PeerCredentialInvalid.
        """
        try:
            claims = jwt.decode(
                str(credential),
                self._key,
                algorithms=["HS256"],
                audience=PEER_KEY,
                options={"require": ["exp", "sub", "company", "aud"]},
            )
            found = claimed_caller(claims)
        except jwt.ExpiredSignatureError as error:
            raise PeerCredentialExpired from error
        except Exception as error:  # for some values of claims PyJWT raises errors other than its own
            raise PeerCredentialInvalid from error
        if found.expires > time.time() + LONGEST_SECONDS:
            raise PeerCredentialInvalid
        return Caller(found.company, found.permissions, found.staff, found.subject)


def pack_starter(starter: Caller) -> bytes:
    """The identity of a work's starter, to store with the work; never a token."""
    return json.dumps(_claims(starter), ensure_ascii=False, separators=(",", ":")).encode()


def unpack_starter(stored: bytes) -> Caller:
    """The inverse of `pack_starter`."""
    claims = json.loads(stored)
    return Caller(claims["company"], frozenset(claims["permissions"]), claims["staff"], claims["sub"])


def _claims(starter: Caller) -> dict[str, object]:
    return {
        "company": starter.company,
        "sub": starter.subject,
        "permissions": sorted(starter.permissions),
        "staff": starter.staff,
    }
