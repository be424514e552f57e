"""Authentication and authorization: each method declares in its proto the permission that it needs."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import unquote

from google.protobuf import descriptor_pool

from greenroom.type.v1 import options_pb2
from shared.auth import DEVELOPMENT, Authenticator, Caller, PersonRefused, person, set_caller
from shared.errors import FailedPrecondition
from shared.hosts import is_loopback
from shared.peers import PEER_KEY, HouseKey, PeerCredentialRefused
from shared.rpc.handlers import Context, Layer, is_exempt

PERSON_KEY = "greenroom-as"
"""The metadata that names a person on a server without authentication."""


class MethodWithoutPermission(FailedPrecondition):
    """The method {method} declares no permission; give it `option (greenroom.type.v1.permission)` in its proto."""

    reason = "METHOD_WITHOUT_PERMISSION"


def declared_permissions(services: Iterable[str]) -> dict[str, str]:
    """The permission of each method, by its path `/package.Service/Method`. services: full names.

    Raises MethodWithoutPermission, and KeyError if the generated code of a service was not imported.
    """
    permissions = {}
    for service in services:
        for method in descriptor_pool.Default().FindServiceByName(service).methods:
            permission = method.GetOptions().Extensions[options_pb2.permission]
            if not permission:
                raise MethodWithoutPermission(method=method.full_name)
            permissions[f"/{service}/{method.name}"] = permission
    return permissions


class Access(Layer):
    """Admits calls whose token holds the permission of the method. Health and reflection need no token.

    On a server without authentication, callers on this machine may say who they are.

    house: checks peer credentials; None refuses them.
    """

    def __init__(
        self, authenticator: Authenticator, permissions: Mapping[str, str], house: HouseKey | None = None
    ) -> None:
        self._authenticator = authenticator
        self._permissions = permissions
        self._house = house

    @asynccontextmanager
    async def guard(self, method: str, context: Context) -> AsyncIterator[None]:
        if not is_exempt(method):
            metadata = dict(context.invocation_metadata() or ())
            caller = self._identified(metadata)
            if (name := metadata.get(PERSON_KEY)) is not None:
                # Only a server without authentication has this caller.
                if caller is not DEVELOPMENT or not _is_local(context.peer()):
                    raise PersonRefused
                caller = person(str(name))
            caller.require(self._permissions[method])
            set_caller(caller)
        yield

    def _identified(self, metadata: Mapping[str, str | bytes]) -> Caller:
        if (credential := metadata.get(PEER_KEY)) is not None:
            if self._house is None:
                raise PeerCredentialRefused
            return self._house.caller(credential)
        authorization = metadata.get("authorization")
        return self._authenticator.authenticate(authorization if isinstance(authorization, str) else None)


def _is_local(peer: str) -> bool:
    """True for a peer on this machine, such as `ipv4:127.0.0.1:50000` or `ipv6:%5B::1%5D:50000`."""
    kind, _, address = unquote(peer).partition(":")
    return kind == "unix" or is_loopback(address.rpartition(":")[0])
