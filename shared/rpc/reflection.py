"""Server reflection, so that grpcurl, buf and ghz need no proto files."""

from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from grpc_reflection.v1alpha import reflection, reflection_pb2

SERVICE = reflection.SERVICE_NAME
_V1 = "grpc.reflection.v1.ServerReflection"


class _Pool:
    """The default descriptor pool, extended to find the file of a method.

    The pool itself raises KeyError for `package.Service.Method`. Then `grpcurl describe` of a method and all calls of
    ghz fail with "Symbol not found".
    """

    def __init__(self) -> None:
        self._pool = descriptor_pool.Default()

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            return self._pool.FindServiceByName(service).methods_by_name[method].containing_service.file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


def add_to(server: grpc.aio.Server, services: Iterable[str]) -> None:
    """Register reflection on a server. services: full names."""
    servicer = reflection.aio.ReflectionServicer([*services, SERVICE], pool=_Pool())
    # grpcio-reflection supports v1alpha only; v1 has the same messages under another service name.
    for name in (SERVICE, _V1):
        method = grpc.stream_stream_rpc_method_handler(
            servicer.ServerReflectionInfo,
            request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
            response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method}),))
