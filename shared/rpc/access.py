"""Every call has a caller, and every method declares in its proto the permission that it takes."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from google.protobuf import descriptor_pool

from greenroom.type.v1 import options_pb2
from shared.auth import Authenticator, set_caller
from shared.errors import FailedPrecondition
from shared.rpc.handlers import Context, Layer, is_exempt


class MethodWithoutPermission(FailedPrecondition):
    """The method {method} declares no permission; give it `option (greenroom.type.v1.permission)` in its proto."""

    reason = "METHOD_WITHOUT_PERMISSION"


def declared_permissions(services: Iterable[str]) -> dict[str, str]:
    """The permission of each method (`/package.Service/Method`) of services, given by their full names.

    Raises MethodWithoutPermission, KeyError for a service whose generated code was not imported.
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
    """Admits a call whose bearer token holds what its method declares; health and reflection are everyone's."""

    def __init__(self, authenticator: Authenticator, permissions: Mapping[str, str]) -> None:
        self._authenticator = authenticator
        self._permissions = permissions

    @asynccontextmanager
    async def guard(self, method: str, context: Context) -> AsyncIterator[None]:
        if not is_exempt(method):
            metadata = dict(context.invocation_metadata() or ())
            authorization = metadata.get("authorization")
            caller = self._authenticator.authenticate(authorization if isinstance(authorization, str) else None)
            caller.require(self._permissions[method])
            set_caller(caller)
        yield
